// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Identity is a caller.
type Identity struct {
	// Name is the common name of the certificate, or "local" for loopback and
	// Unix sockets, "plaintext" for others without TLS, "nobody" for TLS
	// without a certificate.
	Name string
	Role pki.Role
	// Peer is where the call comes from: an address, or user and process.
	Peer string
	// problem says why the role is Nobody.
	problem string
	// cert is nil without TLS or certificate.
	cert *x509.Certificate
}

// info carries the identity of a connection to its calls.
type info struct {
	credentials.CommonAuthInfo
	id Identity
}

// AuthType names the kind of connection.
func (i info) AuthType() string {
	if i.SecurityLevel == credentials.PrivacyAndIntegrity {
		return "mtls"
	}
	return "plaintext"
}

// From returns the caller; false if the connection was not made through a
// Guard.
func From(ctx context.Context) (Identity, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Identity{}, false
	}
	i, ok := p.AuthInfo.(info)
	return i.id, ok
}

// plaintext identifies a caller without TLS.
func plaintext(c net.Conn) Identity {
	switch conn := c.(type) {
	case *net.UnixConn:
		id := Identity{Name: "local", Role: pki.Admin, Peer: "unix"}
		if uid, pid, err := sys.PeerCred(conn); err == nil {
			id.Peer = fmt.Sprintf("unix uid=%d pid=%d", uid, pid)
		}
		return id
	case *net.TCPConn:
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
			return Identity{Name: "local", Role: pki.Admin, Peer: a.String()}
		}
	}
	// The daemon listens like that only when told to by a flag that says so.
	return Identity{Name: "plaintext", Role: pki.Admin, Peer: c.RemoteAddr().String()}
}

// certified identifies a caller by its verified certificates, none if it has
// none.
func certified(certs []*x509.Certificate, peer string) Identity {
	id := Identity{Name: "nobody", Peer: peer}
	if len(certs) == 0 {
		id.problem = "this client has no certificate"
		return id
	}
	c := certs[0]
	name := c.Subject.CommonName
	switch {
	case name == "":
		id.problem = "the client's certificate has no common name"
		return id
	case pki.IsReserved(name):
		id.problem = fmt.Sprintf("the client's certificate has the common name %q, which stands for callers without a certificate", name)
		return id
	}
	role, err := pki.RoleOf(c)
	if err != nil {
		id.problem = err.Error()
	}
	id.Name, id.Role, id.cert = name, role, c
	return id
}

// outdated says that the certificate has ended while the connection was open.
func (i Identity) outdated() string {
	if i.cert == nil {
		return ""
	}
	return pki.Outdated(i.cert, "the certificate of this connection", time.Now())
}
