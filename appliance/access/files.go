// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// material is what a handshake needs, never changed once in use.
type material struct {
	chain tls.Certificate
	leaf  *x509.Certificate
	roots *x509.CertPool
}

// files are the certificate, key and certificate authorities of the TLS
// listener, read again when they change. What cannot be used leaves the old
// ones in use.
type files struct {
	cert, key, ca string
	log           *slog.Logger
	// changed is told why new files are not in use, "" when all is well.
	changed func(problem string)

	current atomic.Pointer[material]
	problem atomic.Pointer[string]

	mu   sync.Mutex // guards seen
	seen [3][]byte  // what was read last, good or bad
}

// openFiles reads the files for the first time.
func openFiles(cert, key, ca string, log *slog.Logger, changed func(string)) (*files, error) {
	f := &files{cert: cert, key: key, ca: ca, log: log, changed: changed}
	f.problem.Store(new(string))
	m, seen, err := f.read()
	if err != nil {
		return nil, err
	}
	f.current.Store(m)
	f.seen = seen
	if why := pki.Outdated(m.leaf, "the daemon's certificate", time.Now()); why != "" {
		log.Warn("clients will refuse this daemon", "file", cert, "reason", why)
	}
	return f, nil
}

// reload looks whether the files have changed and takes them in use.
func (f *files) reload() {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, seen, err := f.read()
	if err == nil && same(seen, f.seen) {
		if *f.problem.Load() == "" {
			return
		}
	}
	if err == nil {
		err = f.worse(m)
	}
	f.seen = seen
	if err != nil {
		f.report(err.Error())
		return
	}
	f.current.Store(m)
	f.log.Info("certificates read again", "file", f.cert, "fingerprint", pki.Fingerprint(m.leaf), "valid_until", m.leaf.NotAfter.UTC())
	f.report("")
}

// worse refuses a certificate that is not valid now while the old one is.
func (f *files) worse(m *material) error {
	now := time.Now()
	why := pki.Outdated(m.leaf, "the new certificate", now)
	if why == "" || pki.Outdated(f.current.Load().leaf, "", now) != "" {
		return nil
	}
	return fmt.Errorf("%s: %s", f.cert, why)
}

// report logs a problem once, and its end.
func (f *files) report(problem string) {
	if old := f.problem.Swap(&problem); *old == problem {
		return
	}
	if problem != "" {
		f.log.Error("new certificate files cannot be used; the old ones stay in use", "error", problem)
	}
	f.changed(problem)
}

func same(a, b [3][]byte) bool {
	return bytes.Equal(a[0], b[0]) && bytes.Equal(a[1], b[1]) && bytes.Equal(a[2], b[2])
}

// read reads the files, checks them and returns their content as well.
func (f *files) read() (*material, [3][]byte, error) {
	var seen [3][]byte
	var err error
	for i, name := range []string{f.cert, f.key, f.ca} {
		if seen[i], err = os.ReadFile(name); err != nil {
			return nil, seen, fmt.Errorf("-tls_%s: %w", [...]string{"cert", "key", "ca"}[i], err)
		}
	}
	m := &material{roots: x509.NewCertPool()}
	certs, err := pki.ParseCerts(seen[0])
	if err != nil {
		return nil, seen, fmt.Errorf("-tls_cert %s: %w", f.cert, err)
	}
	m.leaf = certs[0]
	if m.chain, err = tls.X509KeyPair(seen[0], seen[1]); err != nil {
		return nil, seen, fmt.Errorf("-tls_cert %s with -tls_key %s: %w", f.cert, f.key, err)
	}
	roots, err := pki.ParseCerts(seen[2])
	if err != nil {
		return nil, seen, fmt.Errorf("-tls_ca %s: %w", f.ca, err)
	}
	for _, c := range roots {
		if !c.IsCA {
			return nil, seen, fmt.Errorf("-tls_ca %s: the certificate of %q is not that of a certificate authority", f.ca, c.Subject.CommonName)
		}
		m.roots.AddCert(c)
	}
	return m, seen, nil
}

// config returns the settings of one handshake. Until a first client is
// enrolled, clients without a certificate get as far as Enroll.
func (m *material) config(enrolling bool) *tls.Config {
	auth := tls.RequireAndVerifyClientCert
	if enrolling {
		auth = tls.VerifyClientCertIfGiven
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{m.chain}, ClientCAs: m.roots, ClientAuth: auth,
		NextProtos:             []string{"h2"},
		SessionTicketsDisabled: true, // every connection shows its certificate
	}
}
