// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"crypto"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// files returns what a client shows the box, as PEM texts; the zero identity
// shows no certificate.
func (o *operator) files(of *operator, c pki.Client) client.TLS {
	o.t.Helper()
	s := client.TLS{CA: string(pki.EncodeCerts(o.ca.Cert)), ServerName: serverName}
	if c.Name == "" {
		return s
	}
	id := of.identity(c)
	key, err := pki.EncodeKey(id.PrivateKey.(crypto.Signer))
	if err != nil {
		o.t.Fatal(err)
	}
	s.Cert, s.Key = string(pki.EncodeCerts(id.Leaf)), string(key)
	return s
}

// access tries everything that must not get in: a client is refused with a
// reason that tells what to do, and the box logs it.
func (b *box) access() {
	admin := pki.Client{Name: "ann", Role: pki.Admin}
	expired := pki.Client{Name: "old", Role: pki.Admin, From: time.Now().Add(-48 * time.Hour), Valid: time.Hour}
	for _, c := range []struct {
		name, text, log string
		tls             client.TLS
	}{
		{"no certificate", "the daemon wants a client certificate", "didn't provide a certificate", b.files(nil, pki.Client{})},
		{"another authority", "is not signed by an authority that the daemon trusts", "not signed by a certificate authority", b.files(newOperator(b.t), admin)},
		{"expired certificate", "has expired at", "has expired at", b.files(b.operator, expired)},
		{"plain text", "the port speaks TLS, and this client plain text", "does not speak TLS", client.TLS{}},
	} {
		conn, err := client.Dial(b.m.API, client.Options{TLS: c.tls})
		if err != nil {
			b.t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
			_, err = conn.Version(b.ctx)
			if !client.IsUnreachable(err) || !strings.Contains(err.Error(), c.text) {
				b.t.Errorf("%s: %v, want %q", c.name, err, c.text)
				break
			}
			if strings.Contains(b.m.Console(), c.log) {
				break
			}
			if time.Now().After(end) { // one refusal a second is logged, so once may not be enough
				b.t.Errorf("%s: the log does not say %q", c.name, c.log)
				break
			}
		}
		_ = conn.Close()
	}
	b.reader()
}

// reader looks, and changes nothing.
func (b *box) reader() {
	reader := api.NewBESSControlClient(b.connect(b.m.API, b.identity(pki.Client{Name: "rob", Role: pki.Reader})))
	if r, err := reader.ListModules(b.ctx, &api.EmptyRequest{}); err != nil || len(r.GetModules()) == 0 {
		b.t.Errorf("a reader cannot look: %v %v", r, err)
	}
	before := modules(b.ctx, b.t, b.conn)
	_, err := reader.ResetAll(b.ctx, &api.EmptyRequest{})
	const text = "rob has role reader, and bess.pb.BESSControl/ResetAll needs role operator"
	if status.Code(err) != codes.PermissionDenied || status.Convert(err).Message() != text {
		b.t.Errorf("a change by a reader: %v", err)
	}
	operator := api.NewBESSControlClient(b.connect(b.m.API, b.identity(pki.Client{Name: "oda", Role: pki.Operator})))
	if _, err := operator.KillBess(b.ctx, &api.EmptyRequest{}); status.Code(err) != codes.PermissionDenied {
		b.t.Errorf("an operator ends the daemon: %v", err)
	}
	if after := modules(b.ctx, b.t, b.conn); after != before {
		b.t.Errorf("refused calls changed %s to %s", before, after)
	}
}
