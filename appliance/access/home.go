// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// renewAt is the part of a certificate's life that is left when it is issued
// again.
const renewAt = pki.LeafValidity / 3

// maxIPs bounds the addresses in the daemon's certificate.
const maxIPs = 64

// clockFloor is a time that has passed. A machine without a clock of its own
// starts in 1970, and what it signs then must not have ended when it learns
// what time it is.
var clockFloor = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// home is a directory with the identity of this daemon: ca.crt and ca.key,
// server.crt and server.key, and enrolled once a client has got in.
type home struct {
	dir string
	log *slog.Logger
	ca  *pki.Pair
	key crypto.Signer // of the daemon
	mu  sync.Mutex    // one renewal at a time
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// files returns the paths of certificate, key and authorities.
func (h *home) files() (cert, key, ca string) {
	return h.path("server.crt"), h.path("server.key"), h.path("ca.crt")
}

// openHome reads the directory, and fills it if there is nothing.
func openHome(dir string, log *slog.Logger) (*home, error) {
	h := &home{dir: dir, log: log}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	if err := h.openAuthority(); err != nil {
		return nil, err
	}
	if err := h.openKey(); err != nil {
		return nil, err
	}
	return h, h.renew()
}

// openAuthority reads the authority. ca.crt is written last: without it
// nothing has been signed yet.
func (h *home) openAuthority() error {
	var err error
	if _, missing := os.Stat(h.path("ca.crt")); errors.Is(missing, fs.ErrNotExist) {
		return h.newAuthority()
	}
	h.ca, err = pki.ReadPair(h.path("ca.crt"), h.path("ca.key"))
	return err
}

func (h *home) newAuthority() error {
	now := time.Now()
	from, until := now, now
	if now.Before(clockFloor) {
		h.log.Warn("the clock cannot be right; certificates are made all the same and last", "clock", now.UTC())
		until = clockFloor
	} else {
		from = clockFloor // for clients whose clock is late
	}
	host, err := os.Hostname()
	if err != nil || len(host) > 50 {
		host = "appliance"
	}
	key, err := pki.NewKey()
	if err != nil {
		return err
	}
	if h.ca, err = pki.NewAuthority("bessd on "+host, key, from, until.Sub(from)+pki.AuthorityValidity); err != nil {
		return err
	}
	if err := pki.WriteKey(h.path("ca.key"), h.ca.Key, true); err != nil {
		return err
	}
	return pki.WriteCerts(h.path("ca.crt"), true, h.ca.Cert)
}

// openKey reads the daemon's key, or makes it.
func (h *home) openKey() error {
	text, err := os.ReadFile(h.path("server.key"))
	if errors.Is(err, fs.ErrNotExist) {
		if h.key, err = pki.NewKey(); err != nil {
			return err
		}
		return pki.WriteKey(h.path("server.key"), h.key, true)
	}
	if err != nil {
		return err
	}
	if h.key, err = pki.ParseKey(text); err != nil {
		return fmt.Errorf("server.key: %w", err)
	}
	return nil
}

// renew issues the daemon's certificate if there is none, its end is near, or
// the machine has an address or a name that it is not for. The key stays.
func (h *home) renew() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	want := pki.Server{Name: pki.ServerName, Hosts: hosts(), IPs: addresses()}
	if old, err := pki.ReadPair(h.path("server.crt"), h.path("server.key")); err == nil {
		now := time.Now()
		fresh := now.After(old.Cert.NotBefore) && now.Before(old.Cert.NotAfter.Add(-renewAt))
		if fresh && covers(old.Cert, want) {
			return nil
		}
		want = with(want, old.Cert)
	}
	want.From = h.ca.Cert.NotBefore
	want.Valid = max(time.Since(want.From), clockFloor.Sub(want.From)) + pki.LeafValidity
	p, err := h.ca.IssueServer(want, h.key)
	if err != nil {
		return err
	}
	h.log.Info("the daemon's certificate is issued", "fingerprint", pki.Fingerprint(p.Cert), "hosts", p.Cert.DNSNames, "addresses", fmt.Sprint(p.Cert.IPAddresses))
	return pki.WriteCerts(h.path("server.crt"), true, p.Cert)
}

// hosts are the names of this machine.
func hosts() []string {
	list := []string{pki.ServerName, "localhost"}
	if name, err := os.Hostname(); err == nil && name != "" && !slices.Contains(list, name) {
		list = append(list, name)
	}
	return list
}

// addresses are those that clients can reach this machine at.
func addresses() []net.IP {
	list := []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback}
	all, _ := net.InterfaceAddrs() // none is better than no certificate
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if ok && n.IP.IsGlobalUnicast() && len(list) < maxIPs {
			list = append(list, n.IP)
		}
	}
	return list
}

// covers reports whether a certificate is for all names and addresses.
func covers(c *x509.Certificate, s pki.Server) bool {
	for _, ip := range s.IPs {
		if !slices.ContainsFunc(c.IPAddresses, ip.Equal) {
			return false
		}
	}
	for _, name := range s.Hosts {
		if !slices.Contains(c.DNSNames, name) {
			return false
		}
	}
	return true
}

// with adds the names and addresses of an older certificate, so that an
// address that comes and goes does not mean a new certificate each time.
func with(s pki.Server, old *x509.Certificate) pki.Server {
	for _, ip := range old.IPAddresses {
		if len(s.IPs) < maxIPs && !slices.ContainsFunc(s.IPs, ip.Equal) {
			s.IPs = append(s.IPs, ip)
		}
	}
	for _, name := range old.DNSNames {
		if len(s.Hosts) < 8 && !slices.Contains(s.Hosts, name) {
			s.Hosts = append(s.Hosts, name)
		}
	}
	return s
}

// enrolled reports whether a client has got in.
func (h *home) enrolled() bool {
	_, err := os.Stat(h.path("enrolled"))
	return err == nil
}

// enroll signs a client's request. The certificate counts once it is written
// down that there is one.
func (h *home) enroll(csr []byte, role pki.Role) (*x509.Certificate, error) {
	name, pub, err := pki.ParseRequest(csr)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	cert, err := h.ca.IssueClient(pki.Client{Name: name, Role: role}, pub)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	line := fmt.Sprintf("%s %s %s %s\n", time.Now().UTC().Format(time.RFC3339), name, role, pki.Fingerprint(cert))
	f, err := os.OpenFile(h.path("enrolled"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.WriteString(line)
		if synced := f.Sync(); err == nil {
			err = synced
		}
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "the enrolment cannot be written down: %v", err)
	}
	return cert, nil
}
