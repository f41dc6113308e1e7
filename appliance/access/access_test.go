// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/module/measure"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestReadingCommands(t *testing.T) {
	pack := func(m proto.Message) *anypb.Any {
		a, err := anypb.New(m)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		cmd  string
		arg  *anypb.Any
		want pki.Role
	}{
		{"get_initial_arg", nil, pki.Reader},
		{"get_status", pack(&durationpb.Duration{Seconds: 1}), pki.Reader},
		{"get_summary", pack(&measure.MeasureCommandGetSummaryArg{}), pki.Reader},
		{"get_summary", pack(&measure.MeasureCommandGetSummaryArg{Clear: true}), pki.Operator},
		{"get_summary", &anypb.Any{TypeUrl: "type.googleapis.com/nobody.Knows"}, pki.Operator},
		{"clear", nil, pki.Operator},
		{"", nil, pki.Operator},
	} {
		req := &api.CommandRequest{Name: "m", Cmd: c.cmd, Arg: c.arg}
		if got := table["/bess.pb.BESSControl/ModuleCommand"].of(req); got.Needs != c.want || got.Audited != (c.want == pki.Operator) {
			t.Errorf("%s %v needs %v", c.cmd, c.arg, got.Needs)
		}
	}
}

// A method that is not in the table is called by nobody, not by an admin
// either.
func TestUnknownMethodIsDenied(t *testing.T) {
	ctx := peer.NewContext(context.Background(), &peer.Peer{AuthInfo: info{id: Identity{Name: "ann", Role: pki.Admin}}})
	for method, want := range map[string]codes.Code{"/bess.pb.BESSControl/New": codes.PermissionDenied, "/bess.pb.BESSControl/KillBess": codes.OK} {
		rule, known := Lookup(method)
		if _, err := check(ctx, method, rule, known); status.Code(err) != want {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, err := check(context.Background(), "/bess.pb.BESSControl/GetVersion", look, true); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without an identity: %v", err)
	}
}

// A certificate that ends while its connection is open ends what may be
// called.
func TestCertificateEndsUnderAnOpenConnection(t *testing.T) {
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.NewAuthority("ca", key, time.Now().Add(-time.Hour), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueClient(pki.Client{Name: "ann", Role: pki.Admin, From: time.Now().Add(-30 * time.Minute), Valid: time.Minute}, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	ctx := peer.NewContext(context.Background(), &peer.Peer{AuthInfo: info{id: Identity{Name: "ann", Role: pki.Admin, cert: cert}}})
	if _, err := check(ctx, "/bess.pb.BESSControl/GetVersion", look, true); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
}

func TestObject(t *testing.T) {
	for want, req := range map[string]any{
		"name=fw mclass=ACL": &api.CreateModuleRequest{Name: "fw", Mclass: "ACL"},
		"m1=a ogate=1 m2=b":  &api.ConnectModulesRequest{M1: "a", Ogate: 1, M2: "b"},
		"name=fw cmd=add":    &api.CommandRequest{Name: "fw", Cmd: "add"},
		"name=fast parent=p": &api.AddTcRequest{Class: &api.TrafficClass{Name: "fast", Parent: "p"}},
		"hook_name=h class_name=Track module_name=\"a b\"": &api.ConfigureGateHookRequest{Hook: &api.GateHookInfo{HookName: "h", ClassName: "Track", ModuleName: "a b"}},
		"name=a.yaml name=b.yaml":                          &declarepb.ApplyRequest{Documents: []*declarepb.Document{{Name: "a.yaml", Text: "secret"}, {Name: "b.yaml"}}},
		"":                                                 &accesspb.EnrollRequest{Token: "secret", Csr: "secret"},
		"role=admin":                                       &accesspb.CreateTokenRequest{Role: "admin"},
	} {
		if got := object(req); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	long := object(&api.CreateModuleRequest{Name: strings.Repeat("é\n", 9999)})
	if len(long) > maxObject+4 || strings.Contains(long, "\n") {
		t.Errorf("%d bytes: %s", len(long), long)
	}
}

// A disk that does not take the lines holds no call up for long, and what is
// lost is counted.
func TestAuditOnASlowDisk(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "audit")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	hold, err := os.OpenFile(pipe, os.O_RDWR, 0) // a reader that does not read
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	a, err := openAudit(pipe, quiet)
	if err != nil {
		t.Fatal(err)
	}
	req := &api.CreateModuleRequest{Name: strings.Repeat("x", 200)}
	for range auditQueue + 4096 {
		a.record(Identity{Name: "ann"}, "/a.b/C", req, nil, nil)
		if a.lost.Load() >= 2 {
			break
		}
	}
	if a.lost.Load() < 2 {
		t.Fatal("a pipe that nobody reads takes all lines")
	}
	dec, lost := json.NewDecoder(hold), uint64(0)
	for lost == 0 {
		var e entry
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		lost = e.Lost
	}
	if lost != 2 {
		t.Errorf("%d lines are told as lost, want 2", lost)
	}
	go func() { _, _ = io.Copy(io.Discard, hold) }()
	a.close()
}

func TestAuditFollowsRotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit")
	a, err := openAudit(file, quiet)
	if err != nil {
		t.Fatal(err)
	}
	rec := func(name string) { a.record(Identity{Name: name}, "/a.b/C", &api.EmptyRequest{}, nil, nil) }
	rec("one")
	for {
		if text, _ := os.ReadFile(file); len(text) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	rec("two")
	a.close()
	for f, want := range map[string]string{file: "two", file + ".1": "one"} {
		if text, err := os.ReadFile(f); err != nil || !strings.Contains(string(text), want) || strings.Count(string(text), "\n") != 1 {
			t.Errorf("%s: %s %v", f, text, err)
		}
	}
}

// A box that starts with a clock far behind makes certificates that last when
// it has learned the time, and renews its own.
func TestHomeWithAnOldAuthority(t *testing.T) {
	dir := t.TempDir()
	h, err := openHome(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if h.ca.Cert.NotBefore.After(clockFloor) || h.ca.Cert.NotAfter.Before(now.Add(pki.AuthorityValidity-24*time.Hour)) {
		t.Errorf("authority: %v to %v", h.ca.Cert.NotBefore, h.ca.Cert.NotAfter)
	}
	first, err := pki.ReadPair(h.path("server.crt"), h.path("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	short, err := h.ca.IssueServer(pki.Server{Name: "bessd", Hosts: []string{"old.example"}, Valid: time.Hour}, h.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.WriteCerts(h.path("server.crt"), true, short.Cert); err != nil {
		t.Fatal(err)
	}
	if _, err := openHome(dir, quiet); err != nil {
		t.Fatal(err)
	}
	renewed, err := pki.ReadPair(h.path("server.crt"), h.path("server.key"))
	if err != nil || pki.Instance(renewed.Cert) != pki.Instance(first.Cert) || pki.Fingerprint(renewed.Cert) == pki.Fingerprint(short.Cert) {
		t.Errorf("not renewed, or with another key: %v", err)
	}
	if err := renewed.Cert.VerifyHostname("old.example"); err != nil {
		t.Error(err)
	}
	if err := os.Remove(h.path("ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := openHome(dir, quiet); err == nil || !strings.Contains(err.Error(), "ca.key") {
		t.Errorf("%v", err)
	}
}

// The manual says what the table says.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../templates/guides/security.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := Markdown(); !strings.Contains(string(text), want) {
		t.Errorf("templates/guides/security.md must contain\n%s", want)
	}
}

func FuzzEnroll(f *testing.F) {
	h, err := openHome(f.TempDir(), quiet)
	if err != nil {
		f.Fatal(err)
	}
	key, err := pki.NewKey()
	if err != nil {
		f.Fatal(err)
	}
	csr, err := pki.NewRequest("ann", key)
	if err != nil {
		f.Fatal(err)
	}
	good, err := proto.Marshal(&accesspb.EnrollRequest{Token: "AAAAA-BBBBB", Csr: string(csr)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r accesspb.EnrollRequest
		if proto.Unmarshal(b, &r) != nil {
			return
		}
		var k tokens
		token, err := k.create(pki.Reader, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		enroll := func(role pki.Role) error {
			_, err := h.enroll([]byte(r.GetCsr()), role)
			return err
		}
		if err := k.use(r.GetToken(), "192.0.2.1", enroll); status.Code(err) != codes.Unauthenticated {
			t.Fatalf("a wrong token: %v", err)
		}
		if err := k.use(token, "192.0.2.1", enroll); (err == nil) == k.open() {
			t.Fatalf("%v, and the token is open: %v", err, k.open())
		}
	})
}

var _ credentials.TransportCredentials = (*creds)(nil)
