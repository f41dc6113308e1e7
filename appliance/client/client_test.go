// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

func TestParseTarget(t *testing.T) {
	for target, want := range map[string]string{
		"":                     "127.0.0.1:10514",
		"192.0.2.1:1234":       "192.0.2.1:1234",
		"192.0.2.1":            "192.0.2.1:10514",
		"engine.example":       "engine.example:10514",
		"engine.example:7":     "engine.example:7",
		":1234":                "127.0.0.1:1234",
		"::1":                  "[::1]:10514",
		"[::1]":                "[::1]:10514",
		"[::1]:1234":           "[::1]:1234",
		"unix:/run/bessd.sock": "unix:/run/bessd.sock",
		"unix:///run/b.sock":   "unix:///run/b.sock",
		"unix:relative.sock":   "unix:relative.sock",
		"unix-abstract:bessd":  "unix-abstract:bessd",
	} {
		got, err := parseTarget(target)
		if err != nil || got != want {
			t.Errorf("parseTarget(%q) = %q, %v; want %q", target, got, err, want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for target, want := range map[string]string{
		"unix:":                  "path of the socket is missing",
		"unix://":                "path of the socket is missing",
		"http://127.0.0.1:10514": "must be host:port",
		"/run/bessd.sock":        "must be host:port",
		"two words":              "must be host:port",
		"host:70000":             `port "70000"`,
		"host:0":                 `port "0"`,
		"host:":                  `port ""`,
		"1:2:3":                  "must be host:port",
	} {
		got, err := parseTarget(target)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), target) {
			t.Errorf("parseTarget(%q) = %q, %v; want an error with %q and the address", target, got, err, want)
		}
	}
}

func TestDialSendsNothing(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	c, err := Dial(lis.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := lis.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if conn, err := lis.Accept(); err == nil {
		conn.Close()
		t.Error("Dial connected before the first call")
	}
}

func TestUnreachable(t *testing.T) {
	closed := testenv.Address(t)
	sock := filepath.Join(t.TempDir(), "bessd.sock")
	for address, wants := range map[string][]string{
		closed:         {"no daemon answers at " + closed, "is bessd running there", "get version"},
		"unix:" + sock: {"no daemon answers at unix:" + sock, "may this user write to " + sock},
	} {
		c, err := Dial(address, Options{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Version(context.Background())
		if !IsUnreachable(err) || IsNotFound(err) {
			t.Errorf("%s: %v: want an unreachable error", address, err)
		}
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v: lacks %q", address, err, want)
			}
		}
	}
}

// A host that is there but silent must not hold a program up for ever.
func TestTimeout(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	c, err := Dial(lis.Addr().String(), Options{Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Version(context.Background())
	if !IsUnreachable(err) || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%v: want a timeout that names the daemon", err)
	}
}

// Any gRPC server without our services answers like an older daemon does.
func TestUnimplemented(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	go func() { _ = srv.Serve(lis) }()
	defer srv.Stop()
	c, err := Dial(lis.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.UpdateModule(context.Background(), "fw", nil)
	if !IsUnimplemented(err) || IsUnreachable(err) {
		t.Errorf("%v: want unimplemented", err)
	}
	for _, want := range []string{`update module "fw"`, "does not have this call"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
}
