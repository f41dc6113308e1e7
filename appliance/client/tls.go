// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// TLS is how a client shows who it is and knows the daemon. Its zero value
// means a connection in plain text, as on loopback and Unix sockets.
type TLS struct {
	// CA, Cert and Key are paths of PEM files, or PEM texts themselves: the
	// authority that signed the daemon's certificate (empty: those that this
	// machine trusts), the client's certificate and its private key. Files are
	// read again for every connection.
	CA, Cert, Key string
	// ServerName is the name that the daemon's certificate must be for; empty:
	// the host of the address. Certificates that a daemon makes itself are for
	// the name "bessd" beside others.
	ServerName string
	// Fingerprint, if not empty, is the SHA-256 of the daemon's certificate,
	// which is then known by nothing else. For a client that has no CA yet.
	Fingerprint string
}

// The environment variables of TLSFromEnv.
const (
	EnvAddress    = "BESS_ADDRESS"
	EnvCA         = "BESS_CA"
	EnvCert       = "BESS_CERT"
	EnvKey        = "BESS_KEY"
	EnvServerName = "BESS_SERVER_NAME"
)

// TLSFromEnv returns what the environment says.
func TLSFromEnv() TLS {
	return TLS{CA: os.Getenv(EnvCA), Cert: os.Getenv(EnvCert), Key: os.Getenv(EnvKey), ServerName: os.Getenv(EnvServerName)}
}

// enabled reports whether the connection is made with TLS.
func (t TLS) enabled() bool { return t != TLS{} }

// isPEM reports whether a setting is a text and not a path.
func isPEM(s string) bool { return strings.Contains(s, "-----BEGIN ") }

// text returns the PEM text of a setting. Errors never show the setting if it
// is a text: it may be a key.
func text(what, setting string) ([]byte, error) {
	if isPEM(setting) {
		return []byte(setting), nil
	}
	b, err := os.ReadFile(setting)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return b, nil
}

// origin names where a setting comes from.
func origin(what, setting string) string {
	if isPEM(setting) {
		return what + " (given inline)"
	}
	return what + " " + setting
}

// config returns the settings of a connection.
func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, ServerName: t.ServerName}
	if t.CA != "" {
		b, err := text("ca", t.CA)
		if err != nil {
			return nil, err
		}
		certs, err := pki.ParseCerts(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", origin("ca", t.CA), err)
		}
		c.RootCAs = x509.NewCertPool()
		for _, cert := range certs {
			c.RootCAs.AddCert(cert)
		}
	}
	if t.Cert == "" && t.Key == "" {
		return c, t.pin(c)
	}
	pair, err := t.pair()
	if err != nil {
		return nil, err
	}
	// Not Certificates: those are held back if the daemon names other issuers,
	// and then it could only say that there is no certificate.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	return c, t.pin(c)
}

// pair reads the client's certificate and key.
func (t TLS) pair() (*tls.Certificate, error) {
	switch {
	case t.Cert == "":
		return nil, errors.New("cert: is missing: key is given without it")
	case t.Key == "":
		return nil, errors.New("key: is missing: cert is given without it")
	}
	cert, err := text("cert", t.Cert)
	if err != nil {
		return nil, err
	}
	key, err := text("key", t.Key)
	if err != nil {
		return nil, err
	}
	if _, err := pki.ParseCerts(cert); err != nil {
		return nil, fmt.Errorf("%s: %w", origin("cert", t.Cert), err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s: not the key of %s: %w", origin("key", t.Key), origin("cert", t.Cert), err)
	}
	return &pair, nil
}

// errPin says that another daemon answers than the one that was meant.
type errPin struct{ want, got string }

func (e errPin) Error() string {
	return fmt.Sprintf("the daemon's certificate has the fingerprint %s, not %s: another machine answers, or the daemon has a new certificate; compare with the daemon's log", e.got, e.want)
}

// pin makes the fingerprint the only thing that counts.
func (t TLS) pin(c *tls.Config) error {
	if t.Fingerprint == "" {
		return nil
	}
	want, err := pki.ParseFingerprint(t.Fingerprint)
	if err != nil {
		return err
	}
	c.InsecureSkipVerify = true // VerifyConnection does it
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if got := pki.Fingerprint(s.PeerCertificates[0]); got != want {
			return errPin{want, got}
		}
		return nil
	}
	return nil
}
