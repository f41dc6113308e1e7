// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

// Times of asking for a lease.
const (
	askTimeout = 3 * time.Second // for each of three tries
	askAgain   = 5 * time.Second
	// defaultLease is for servers that do not say.
	defaultLease = time.Hour
	dhcpMetric   = 1024 // static routes go first
)

// tryAll asks on every interface, and leaves all alone but the first that
// gets a lease.
func (b *box) tryAll(ctx context.Context, list []nic) {
	b.links.asks("")
	won := make(chan string, len(list))
	cancels := map[string]context.CancelFunc{}
	for _, n := range list {
		allowIPv6(n.name)
		if err := configure(n.name, seed.Interface{}); err != nil {
			logf(warning, "%s: %v", n.name, err)
			continue
		}
		c, cancel := context.WithCancel(ctx)
		cancels[n.name] = cancel
		go b.lease(c, n.name, "", won)
	}
	go func() {
		select {
		case first := <-won:
			for name, cancel := range cancels {
				if name != first {
					cancel()
				}
			}
		case <-ctx.Done():
		}
		<-ctx.Done() // then the last one ends too
		for _, cancel := range cancels {
			cancel()
		}
	}()
}

// lease gets and keeps a lease for an interface until ctx ends. What is wrong
// is noted for link. won hears of the first lease.
func (b *box) lease(ctx context.Context, name, link string, won chan<- string) {
	told := false
	for ctx.Err() == nil {
		l, err := ask(ctx, name, nil)
		if err != nil {
			if !told && won == nil && ctx.Err() == nil {
				b.links.bad(link, "%s: no DHCP server answers: %v", name, err)
				told = true
			}
			sleep(ctx, askAgain)
			continue
		}
		if won != nil {
			select {
			case won <- name:
			default:
			}
			won = nil
			if ctx.Err() != nil {
				return
			}
		}
		told = false
		b.keep(ctx, name, link, l)
	}
}

// ask gets a lease, or renews one.
func ask(ctx context.Context, name string, old *nclient4.Lease) (*nclient4.Lease, error) {
	c, err := nclient4.New(name, nclient4.WithTimeout(askTimeout), nclient4.WithRetry(3))
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if old != nil {
		return c.Renew(ctx, old)
	}
	return c.Request(ctx, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("bess")))
}

// keep uses a lease and renews it until it is lost.
func (b *box) keep(ctx context.Context, name, link string, l *nclient4.Lease) {
	device, err := netlink.LinkByName(name)
	if err != nil {
		b.links.bad(link, "%s: %v", name, err)
		sleep(ctx, askAgain)
		return
	}
	use := settings(l.ACK)
	if err := use.install(device); err != nil {
		b.links.bad(link, "%s: lease: %v", name, err)
	} else {
		logf(notice, "%s: %s for %s", name, use.address, use.length)
		b.links.good(link)
	}
	for ends := time.Now().Add(use.length); ctx.Err() == nil && time.Now().Before(ends); {
		sleep(ctx, max(time.Until(ends)/2, askAgain))
		next, err := ask(ctx, name, l)
		if err != nil || settings(next.ACK).address != use.address {
			continue
		}
		l, use = next, settings(next.ACK)
		ends = time.Now().Add(use.length)
	}
	if ctx.Err() == nil {
		b.links.bad(link, "%s: the lease of %s has ended and nobody renews it", name, use.address)
	}
	_ = netlink.AddrDel(device, &netlink.Addr{IPNet: ipNet(use.address)})
}

// lent is what a server gives.
type lent struct {
	address     netip.Prefix
	routes      []seed.Route
	nameservers []netip.Addr
	length      time.Duration
}

// settings reads an answer (RFC 2131, RFC 2132; classless routes: RFC 3442).
func settings(ack *dhcpv4.DHCPv4) lent {
	var s lent
	ip, _ := netip.AddrFromSlice(ack.YourIPAddr.To4())
	bits := 24
	if mask := ack.SubnetMask(); mask != nil {
		bits, _ = mask.Size()
	}
	s.address = netip.PrefixFrom(ip, bits)
	for _, r := range ack.ClasslessStaticRoute() {
		via, ok1 := netip.AddrFromSlice(r.Router.To4())
		to, ok2 := netip.AddrFromSlice(r.Dest.IP.To4())
		ones, _ := r.Dest.Mask.Size()
		if ok1 && ok2 && !via.IsUnspecified() {
			s.routes = append(s.routes, seed.Route{To: netip.PrefixFrom(to, ones).Masked(), Via: via})
		}
	}
	if len(s.routes) == 0 {
		for _, r := range ack.Router() {
			if via, ok := netip.AddrFromSlice(r.To4()); ok {
				s.routes = append(s.routes, seed.Route{To: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Via: via})
				break
			}
		}
	}
	for _, d := range ack.DNS() {
		if a, ok := netip.AddrFromSlice(d.To4()); ok {
			s.nameservers = append(s.nameservers, a)
		}
	}
	s.length = max(ack.IPAddressLeaseTime(defaultLease), 2*askAgain)
	return s
}

func (s lent) install(link netlink.Link) error {
	if !s.address.IsValid() {
		return fmt.Errorf("the server gave no address")
	}
	if err := addAddress(link, s.address); err != nil {
		return err
	}
	for _, r := range s.routes {
		if err := addRoute(link, r, dhcpMetric); err != nil {
			return err
		}
	}
	setNameservers(s.nameservers)
	return nil
}

// sleep waits, but not longer than ctx lasts.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
