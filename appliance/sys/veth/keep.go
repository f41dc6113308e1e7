// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// A cable that is gone is made again after the shortest pause, and if that
// fails after ever longer ones.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 4 * time.Second
)

// subscribe returns a channel that tells when an interface here has changed.
func (d *Device) subscribe() (updates <-chan struct{}, err error) {
	err = d.home.Do(func() (err error) {
		updates, err = netinfo.Watch(d.over.Done())
		return err
	})
	return updates, err
}

// keep makes the cable again whenever it is gone, until Close. The near end
// then goes on with the new one by itself.
func (d *Device) keep(updates <-chan struct{}) {
	defer func() {
		if updates != nil {
			for range updates { // until the subscription has ended
			}
		}
	}()
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	pause := shortestPause
	for {
		select {
		case <-d.over.Done():
			return
		case _, ok := <-updates:
			if !ok {
				// Too much happened at once for the kernel to tell.
				if updates, _ = d.subscribe(); updates == nil {
					timer.Reset(pause)
					continue
				}
			}
		case <-timer.C:
		}
		if !d.gone() {
			pause = shortestPause
			continue
		}
		if !d.again() {
			timer.Reset(pause)
			pause = min(2*pause, longestPause)
		}
	}
}

// gone reports whether the cable made last does not exist any more, whatever it
// is called.
func (d *Device) gone() bool {
	kern, err := d.home.Netlink()
	if err != nil {
		return false
	}
	defer kern.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made == nil {
		return true
	}
	_, err = kern.LinkByIndex(d.made.index)
	return errors.As(err, &netlink.LinkNotFoundError{})
}

// again tries to make the cable again. Looking for a container may take its
// time, in which everything else goes on.
func (d *Device) again() bool {
	where := d.o.Where.Find(d.over)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove() // it is gone, and so is what the journal says of it
	made, err := d.create(where)
	d.made = made
	if err != nil {
		d.trouble.Store(&err)
		return false
	}
	d.trouble.Store(nil)
	d.returns++
	return true
}

// SetConf changes the MTU (0: keep) of both ends, and the address (nil: keep)
// and the administrative state of the near one, all or nothing. Errors: EINVAL
// for an MTU that Open does not take, and what the kernel answers.
func (d *Device) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := 0
	if mtu != 0 {
		if err := hostif.CheckMTU(mtu); err != nil {
			return err
		}
		var err error
		if old, err = d.setFar(mtu); err != nil {
			return err
		}
	}
	if err := d.near.SetConf(mtu, mac, up); err != nil {
		if old != 0 {
			_, _ = d.setFar(old)
		}
		return err
	}
	if mtu != 0 {
		d.o.MTU = mtu
	}
	if mac != nil { // the next cable's, too
		d.o.NearMAC = bytes.Clone(mac)
	}
	return nil
}

// setFar changes the MTU of the far end and returns what it was. Under d.mu. A
// far end that is gone, or has been renamed or moved, is left alone, old is 0
// then: its owner sees to the MTU.
func (d *Device) setFar(mtu int) (old int, err error) {
	if d.made == nil {
		return 0, nil
	}
	there, err := d.there(d.made.where)
	if err != nil {
		return 0, err
	}
	defer there.Close()
	kern, err := there.Netlink()
	if err != nil {
		return 0, err
	}
	defer kern.Close()
	link, err := kern.LinkByName(d.o.Far)
	if err != nil {
		return 0, nil
	}
	if err := kern.LinkSetMTU(link, mtu); err != nil {
		return 0, fmt.Errorf("interface %s: mtu %d: %w", d.o.Far, mtu, err)
	}
	return link.Attrs().MTU, nil
}

// Presence says whether the cable is there, as its near end does.
func (d *Device) Presence() []presence.State {
	all := d.near.Presence()
	if why := d.trouble.Load(); why != nil && all[0].Away {
		all[0].Reason = fmt.Sprintf("was deleted, and cannot be made again: %v", *why)
	}
	return all
}

// Notes describe the cable and the state it is in.
func (d *Device) Notes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	note := fmt.Sprintf("virtual cable from %s to %s", d.o.Near, d.o.Far)
	if s := d.o.Where.String(); s != "" {
		note += " in " + s
	}
	notes := append([]string{note}, d.near.Notes()...)
	if why := d.trouble.Load(); why != nil {
		notes = append(notes, fmt.Sprintf("it could not be made again yet: %v", *why))
	}
	if d.returns > 0 {
		notes = append(notes, fmt.Sprintf("it was deleted and made again %d times", d.returns))
	}
	return notes
}
