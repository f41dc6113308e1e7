// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"flag"
	"fmt"
	"log/slog"
	"net"

	"github.com/bessform/terraform-provider-bess/appliance/access"
)

// conditionCertificates: the certificate files are in use as they are now.
const conditionCertificates = "certificates"

// TLSFlags are the settings of the API off this machine.
type TLSFlags struct {
	Listen        string
	Cert, Key, CA string
	Enroll        string
	Token         string
	Insecure      bool
}

func (t *TLSFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&t.Listen, "tls_listen", "", "second listen `address`, host:port, for clients with certificates (TLS 1.3)")
	fs.StringVar(&t.Cert, "tls_cert", "", "PEM `file` with the daemon's certificate; read again when it changes")
	fs.StringVar(&t.Key, "tls_key", "", "PEM `file` with the key of -tls_cert")
	fs.StringVar(&t.CA, "tls_ca", "", "PEM `file` with the certificate authorities of the clients")
	fs.StringVar(&t.Enroll, "enroll", "", "`directory` in which the daemon keeps a certificate authority of its own, instead of -tls_cert, -tls_key and -tls_ca; "+
		"until a first client is enrolled a join token is in the log")
	fs.StringVar(&t.Token, "enroll_token", "", "`file` with the join token of the first client, instead of a random one that is in the log; needs -enroll")
	fs.BoolVar(&t.Insecure, "insecure_plaintext_off_host", false, "serve -grpc_url or -b without TLS although other machines can reach it: they all administer the daemon")
}

// check looks for flags that need each other.
func (t *TLSFlags) check() error {
	given := 0
	for _, file := range []string{t.Cert, t.Key, t.CA} {
		if file != "" {
			given++
		}
	}
	switch {
	case given != 0 && given != 3:
		return fmt.Errorf("-tls_cert, -tls_key and -tls_ca: must be given together")
	case given != 0 && t.Enroll != "":
		return fmt.Errorf("-enroll %s: makes certificates itself; give either -enroll or -tls_cert, -tls_key and -tls_ca", t.Enroll)
	case t.Token != "" && t.Enroll == "":
		return fmt.Errorf("-enroll_token %s: needs -enroll", t.Token)
	case t.Listen != "" && given == 0 && t.Enroll == "":
		return fmt.Errorf("-tls_listen %s: needs certificates: -tls_cert, -tls_key and -tls_ca (`bessctl pki` makes them), or -enroll", t.Listen)
	case t.Listen == "":
		return nil
	}
	if _, _, err := net.SplitHostPort(t.Listen); err != nil {
		return fmt.Errorf("-tls_listen %q: must be host:port", t.Listen)
	}
	return nil
}

// access returns the settings of the door.
func (f *Flags) access(log *slog.Logger) access.Options {
	return access.Options{Cert: f.TLS.Cert, Key: f.TLS.Key, CA: f.TLS.CA, Enroll: f.TLS.Enroll, TokenFile: f.TLS.Token, Audit: f.AuditLog, Log: log}
}

// openListeners opens the primary listener and, if there is one, that of
// -tls_listen.
func openListeners(f *Flags, g *access.Guard, log *slog.Logger) (ls []net.Listener, err error) {
	defer func() {
		if err != nil {
			closeAll(ls)
		}
	}()
	l, err := Listen(f.URL)
	if err != nil {
		return nil, err
	}
	ls = append(ls, l)
	switch off := offHost(l); {
	case off && f.TLS.Insecure:
		log.Warn("other machines can reach this address without TLS, and all of them administer the daemon", "address", f.URL)
	case off && g.HasTLS():
		ls[0] = g.TLS(l)
	case off:
		return ls, fmt.Errorf("listen on %s: other machines can reach this address, and there is no TLS: give -tls_cert, -tls_key and -tls_ca "+
			"(`bessctl pki` makes them) or -enroll, or listen on 127.0.0.1 or unix:/path; -insecure_plaintext_off_host serves all who can reach it", f.URL)
	case g.HasTLS() && f.TLS.Listen == "":
		return ls, fmt.Errorf("-tls_cert and -enroll: nothing uses them, as %s is served without TLS; give -tls_listen host:port", f.URL)
	}
	if f.TLS.Listen == "" {
		return ls, nil
	}
	if l, err = listen("tcp", f.TLS.Listen); err != nil {
		return ls, fmt.Errorf("-tls_listen: %w%s", err, samePort(f.TLS.Listen, ls[0].Addr()))
	}
	return append(ls, g.TLS(l)), nil
}

// offHost reports whether other machines can reach a listener.
func offHost(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return ok && !a.IP.IsLoopback()
}

// samePort says that the daemon itself has the port.
func samePort(url string, primary net.Addr) string {
	_, port, _ := net.SplitHostPort(url)
	a, ok := primary.(*net.TCPAddr)
	if !ok || port != fmt.Sprint(a.Port) {
		return ""
	}
	return fmt.Sprintf("; this daemon has port %s itself, at %s: choose another port, or let it listen at -grpc_url unix:/run/bess/bessd.sock", port, a)
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		_ = l.Close()
	}
}
