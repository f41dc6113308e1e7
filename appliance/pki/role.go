// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pki makes and reads the X.509 certificates of the API (RFC 5280): a
// certificate authority, certificates of daemons, and certificates of clients
// that carry a role. It knows files and bytes, no network.
//
// A client's identity is the common name of its certificate; its role is the
// one URI among the subject alternative names that reads bess://role/<role>.
package pki

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
)

// Role is what an identity may do. A higher role may do all that a lower one
// may.
type Role int

// The roles, lowest first.
const (
	// Nobody has no certificate.
	Nobody Role = iota
	// Reader looks and changes nothing.
	Reader
	// Operator changes the pipeline.
	Operator
	// Admin ends the daemon and lets others in.
	Admin
)

var roleNames = [...]string{"nobody", "reader", "operator", "admin"}

// String returns the role's name.
func (r Role) String() string {
	if r < Nobody || r > Admin {
		return fmt.Sprintf("role %d", int(r))
	}
	return roleNames[r]
}

// Roles are those that a certificate may carry.
func Roles() []Role { return []Role{Reader, Operator, Admin} }

// ParseRole reads the name of a role that a certificate may carry.
func ParseRole(name string) (Role, error) {
	for _, r := range Roles() {
		if r.String() == name {
			return r, nil
		}
	}
	return Nobody, fmt.Errorf("role %q: must be reader, operator or admin", name)
}

const (
	roleScheme = "bess"
	roleHost   = "role"
)

// URI returns the subject alternative name that stands for the role.
func (r Role) URI() *url.URL {
	return &url.URL{Scheme: roleScheme, Host: roleHost, Path: "/" + r.String()}
}

// RoleOf returns the role that a certificate carries. A certificate without
// one, with two, or with one that does not exist is an error.
func RoleOf(c *x509.Certificate) (Role, error) {
	role := Nobody
	for _, u := range c.URIs {
		if u.Scheme != roleScheme {
			continue
		}
		r, err := parseRoleURI(u)
		if err != nil {
			return Nobody, err
		}
		if role != Nobody {
			return Nobody, fmt.Errorf("the certificate of %q carries two roles", c.Subject.CommonName)
		}
		role = r
	}
	if role == Nobody {
		return Nobody, fmt.Errorf("the certificate of %q carries no role: a URI like %s is missing among its subject alternative names", c.Subject.CommonName, Operator.URI())
	}
	return role, nil
}

// parseRoleURI reads bess://role/<role>.
func parseRoleURI(u *url.URL) (Role, error) {
	if u.Host != roleHost || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return Nobody, fmt.Errorf("%q in the certificate: must be bess://role/reader, bess://role/operator or bess://role/admin", u)
	}
	name, ok := strings.CutPrefix(u.Path, "/")
	if !ok {
		return Nobody, fmt.Errorf("%q in the certificate: the name of the role is missing", u)
	}
	return ParseRole(name)
}

// maxName is the longest common name (RFC 5280, ub-common-name).
const maxName = 64

// reserved are the names that the daemon gives to callers without a
// certificate.
var reserved = map[string]bool{"local": true, "plaintext": true, "nobody": true}

// CheckName checks the name of an identity: 1 to 64 letters, digits and
// . _ - @ +, so that it is one word in a log.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("name %q: must have 1 to %d characters", name, maxName)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-@+", c) {
			return fmt.Errorf("name %q: must be letters, digits and . _ - @ + only", name)
		}
	}
	if reserved[name] {
		return fmt.Errorf("name %q: is what the daemon calls callers without a certificate; choose another", name)
	}
	return nil
}

// IsReserved reports whether a name stands for callers without a certificate.
func IsReserved(name string) bool { return reserved[name] }
