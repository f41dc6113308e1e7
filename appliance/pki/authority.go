// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// ServerName is a name that every certificate that a daemon issues itself is
// for: a client that knows the authority may ask for it, whatever the address
// of the machine is today.
const ServerName = "bessd"

// Validity of what is made unless told otherwise.
const (
	AuthorityValidity = 10 * 365 * 24 * time.Hour
	LeafValidity      = 365 * 24 * time.Hour
	// skew is how far certificates are dated back, for clocks that are late.
	skew = time.Hour
)

// Pair is a certificate with its private key.
type Pair struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// NewKey returns an ECDSA key on the curve P-256.
func NewKey() (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// KeyTypes are what NewKeyOf knows.
var KeyTypes = []string{"ecdsa", "ed25519"}

// NewKeyOf returns a key of a type: ecdsa (on the curve P-256) or ed25519.
func NewKeyOf(kind string) (crypto.Signer, error) {
	switch kind {
	case "ecdsa":
		return NewKey()
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("key type %q: must be ecdsa or ed25519", kind)
}

// NewAuthority makes a certificate authority that signs itself. Its
// certificate begins an hour before from.
func NewAuthority(name string, key crypto.Signer, from time.Time, valid time.Duration) (*Pair, error) {
	t, err := template(name, from, valid)
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return sign(t, t, key.Public(), key, key)
}

// Server describes the certificate of a daemon.
type Server struct {
	Name  string
	Hosts []string // DNS names
	IPs   []net.IP
	// From and Valid are the beginning and the length of its life; zero
	// means now and LeafValidity.
	From  time.Time
	Valid time.Duration
}

// IssueServer signs a certificate for the key of a daemon.
func (ca *Pair) IssueServer(s Server, key crypto.Signer) (*Pair, error) {
	if len(s.Hosts) == 0 && len(s.IPs) == 0 {
		return nil, errors.New("a daemon's certificate needs a host name or an address that clients connect to")
	}
	t, err := leaf(s.Name, s.From, s.Valid)
	if err != nil {
		return nil, err
	}
	t.DNSNames, t.IPAddresses = s.Hosts, s.IPs
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return ca.issue(t, key.Public(), key)
}

// Client describes the certificate of a client.
type Client struct {
	Name  string
	Role  Role
	From  time.Time     // as in Server
	Valid time.Duration // as in Server
}

// IssueClient signs a certificate for the public key of a client.
func (ca *Pair) IssueClient(c Client, pub crypto.PublicKey) (*x509.Certificate, error) {
	if err := CheckName(c.Name); err != nil {
		return nil, err
	}
	t, err := leaf(c.Name, c.From, c.Valid)
	if err != nil {
		return nil, err
	}
	t.URIs = []*url.URL{c.Role.URI()}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	p, err := ca.issue(t, pub, nil)
	if err != nil {
		return nil, err
	}
	return p.Cert, nil
}

// issue signs a certificate that does not outlive its authority.
func (ca *Pair) issue(t *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*Pair, error) {
	if !ca.Cert.IsCA {
		return nil, fmt.Errorf("%q is not a certificate authority", ca.Cert.Subject.CommonName)
	}
	if t.NotBefore.Before(ca.Cert.NotBefore) {
		t.NotBefore = ca.Cert.NotBefore
	}
	if t.NotAfter.After(ca.Cert.NotAfter) {
		t.NotAfter = ca.Cert.NotAfter
	}
	if !t.NotBefore.Before(t.NotAfter) {
		return nil, fmt.Errorf("the certificate authority %q is valid from %s to %s only; make a new one", ca.Cert.Subject.CommonName, stamp(ca.Cert.NotBefore), stamp(ca.Cert.NotAfter))
	}
	return sign(t, ca.Cert, pub, key, ca.Key)
}

func leaf(name string, from time.Time, valid time.Duration) (*x509.Certificate, error) {
	if from.IsZero() {
		from = time.Now()
	}
	if valid == 0 {
		valid = LeafValidity
	}
	t, err := template(name, from, valid)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	return t, nil
}

func template(name string, from time.Time, valid time.Duration) (*x509.Certificate, error) {
	if name == "" || len(name) > maxName {
		return nil, fmt.Errorf("name %q: must have 1 to %d characters", name, maxName)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    from.Add(-skew).UTC(), NotAfter: from.Add(valid).UTC(),
	}, nil
}

func sign(t, parent *x509.Certificate, pub crypto.PublicKey, key, signer crypto.Signer) (*Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Pair{Cert: cert, Key: key}, nil
}

// stamp writes a time as all texts about certificates do.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
