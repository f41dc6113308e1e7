// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// A machine can be given the token of its first client: it is not in the log,
// and lets in once.
func TestGivenJoinToken(t *testing.T) {
	dir, token := t.TempDir(), "given-to-the-machine-42"
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, address := launchTLS(t, "-enroll", filepath.Join(dir, "home"), "-enroll_token", file)
	sum := fmt.Sprintf("token_sha256=%x", sha256.Sum256([]byte(token)))
	p.awaitLog(sum)
	if strings.Contains(p.log.String(), token) {
		t.Fatalf("the token is in the log:\n%s", p.log)
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewRequest("first", key)
	if err != nil {
		t.Fatal(err)
	}
	// The fingerprint is not what is tested here.
	c := accesspb.NewAccessClient(connect(t, address, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})))
	enroll := func(token string) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := c.Enroll(ctx, &accesspb.EnrollRequest{Token: token, Csr: string(csr)})
		return err
	}
	if err := enroll("given-to-the-machine-43"); status.Code(err) != codes.Unauthenticated {
		t.Fatalf("wrong token: %v", err)
	}
	if err := enroll(token); err != nil {
		t.Fatal(err)
	}
	if err := enroll(token); status.Code(err) != codes.Unauthenticated {
		t.Fatalf("second use: %v", err)
	}
}

func TestBadGivenJoinToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("too-short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"-enroll", filepath.Join(t.TempDir(), "home"), "-enroll_token", file}, "a join token must have 16 to 100 characters"},
		{[]string{"-enroll_token", file}, "-enroll_token " + file + ": needs -enroll"},
	} {
		flags := append([]string{"-f", "-skip_root_check", "-buffers", "1024", "-grpc_url", "unix:" + filepath.Join(t.TempDir(), "s"),
			"-i", filepath.Join(t.TempDir(), "pid")}, c.flags...)
		out, err := exec.Command(binary, flags...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: %v\n%s", c.flags, err, out)
		}
	}
}
