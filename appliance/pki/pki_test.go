// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func authority(t testing.TB) *Pair {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := NewAuthority("test", key, time.Now(), AuthorityValidity)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestRoles(t *testing.T) {
	ca := authority(t)
	for _, role := range Roles() {
		cert, err := ca.IssueClient(Client{Name: "ann", Role: role}, ca.Key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := RoleOf(cert); err != nil || got != role || cert.URIs[0].String() != "bess://role/"+role.String() {
			t.Errorf("%v, %v, %v", got, err, cert.URIs)
		}
	}
	for uri, want := range map[string]string{
		"bess://role/root": `role "root"`, "bess://role/": `role ""`, "bess://role": "missing", "bess://rule/admin": "must be bess://role",
		"bess://role/admin?x": "must be bess://role", "bess:role/admin": "must be bess://role", "bess://u@role/admin": "must be bess://role",
		"https://x": "carries no role", "bess://role/Admin": `role "Admin"`, "bess://role//admin": `role "/admin"`,
	} {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := RoleOf(&x509.Certificate{URIs: []*url.URL{u}}); err == nil || got != Nobody || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", uri, got, err)
		}
	}
	two := &x509.Certificate{URIs: []*url.URL{Reader.URI(), Admin.URI()}}
	if got, err := RoleOf(two); err == nil || got != Nobody {
		t.Errorf("two roles: %v, %v", got, err)
	}
}

func TestAuthorityBoundsWhatItSigns(t *testing.T) {
	ca := authority(t)
	p, err := ca.IssueServer(Server{Name: "bessd", Hosts: []string{"h"}, IPs: []net.IP{net.IPv4(192, 0, 2, 1)}, Valid: 2 * AuthorityValidity}, ca.Key)
	if err != nil || p.Cert.NotAfter.After(ca.Cert.NotAfter) {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := ca.IssueServer(Server{Name: "bessd"}, ca.Key); err == nil {
		t.Error("a daemon without a name")
	}
	if _, err := ca.IssueClient(Client{Name: "local", Role: Admin}, ca.Key.Public()); err == nil {
		t.Error("a client with the name of callers without a certificate")
	}
	leaf := &Pair{Cert: p.Cert, Key: ca.Key}
	if _, err := leaf.IssueClient(Client{Name: "ann", Role: Admin}, ca.Key.Public()); err == nil {
		t.Error("signed by a daemon's certificate")
	}
}

func TestFiles(t *testing.T) {
	ca, dir := authority(t), t.TempDir()
	crt, key := filepath.Join(dir, "x.crt"), filepath.Join(dir, "x.key")
	for _, force := range []bool{false, true} {
		if err := errors.Join(WriteKey(key, ca.Key, force), WriteCerts(crt, force, ca.Cert)); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteKey(key, ca.Key, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwritten: %v", err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if p, err := ReadPair(crt, key); err != nil || Fingerprint(p.Cert) != Fingerprint(ca.Cert) {
		t.Errorf("%v", err)
	}
	if err := WriteKey(key, authority(t).Key, true); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPair(crt, key); err == nil || !strings.Contains(err.Error(), "is not the key of") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFingerprint(t *testing.T) {
	c := authority(t).Cert
	fp := Fingerprint(c)
	var colons []string
	for i := 0; i < len(fp); i += 2 {
		colons = append(colons, strings.ToUpper(fp[i:i+2]))
	}
	for _, text := range []string{fp, "SHA256:" + fp, "sha256 Fingerprint=" + strings.Join(colons, ":")} {
		if got, err := ParseFingerprint(text); err != nil || got != fp {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if _, err := ParseFingerprint(fp[1:]); err == nil {
		t.Error("too short")
	}
}

func TestRequestRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys")
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "ann"}}, weak)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ParseRequest(pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der})); err == nil || !strings.Contains(err.Error(), "1024 bits") {
		t.Errorf("%v", err)
	}
	if _, _, err := ParseRequest(make([]byte, MaxRequest+1)); err == nil || !strings.Contains(err.Error(), "must be at most") {
		t.Errorf("%v", err)
	}
}

// Whatever a client sends, the answer is a name that can be logged and a key
// that can be signed, or an error.
func FuzzParseRequest(f *testing.F) {
	ca := authority(f)
	good, err := NewRequest("ann", ca.Key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	if block, _ := pem.Decode(good); block != nil {
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, b := range [][]byte{text, pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: text})} {
			name, pub, err := ParseRequest(b)
			if err != nil {
				continue
			}
			if CheckName(name) != nil {
				t.Fatalf("name %q", name)
			}
			if _, err := ca.IssueClient(Client{Name: name, Role: Reader}, pub); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Only the three URIs mean a role.
func FuzzRole(f *testing.F) {
	for _, r := range Roles() {
		f.Add(r.URI().String())
	}
	f.Add("bess://role/%61dmin")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		role, err := RoleOf(&x509.Certificate{URIs: []*url.URL{u}})
		if (err == nil) != (role != Nobody) {
			t.Fatalf("%q: %v, %v", text, role, err)
		}
		if err == nil && (u.Path != "/"+role.String() || u.Host != "role" || u.Scheme != "bess") {
			t.Fatalf("%q means %v", text, role)
		}
	})
}
