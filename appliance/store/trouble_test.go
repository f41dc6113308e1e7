// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// onTmpfs makes bessd see a small file system of its own as its store.
func (b *box) onTmpfs(options string) {
	testenv.NeedRoot(b)
	b.must(os.MkdirAll(b.store, 0o750))
	// Slave, not private: what others unmount meanwhile must not stay here.
	b.wrap = []string{"unshare", "--mount", "--propagation", "slave", "sh", "-c",
		"mount -t tmpfs -o " + options + " tmpfs " + b.store + ` && exec "$@"`, "sh"}
}

// refused checks that an apply was refused because of the store.
func (b *box) refused(err error, reason string) {
	b.Helper()
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), b.store+"/generation-") {
		b.Fatalf("%v", err)
	}
}

// condition returns the reason of a condition, "" if it is well.
func (b *box) condition(name string) string {
	b.Helper()
	r, err := b.c.Health(context.Background())
	b.must(err)
	for _, c := range r.GetConditions() {
		if c.GetName() == name {
			if c.GetOk() != (c.GetReason() == "") {
				b.Fatalf("%v", c)
			}
			return c.GetReason()
		}
	}
	b.Fatalf("there is no condition %s in %v", name, r)
	return ""
}

func TestDiskFull(t *testing.T) {
	b := newBox(t)
	b.onTmpfs("size=64k")
	b.boot()
	const first = "spec: {modules: {first: {class: Sink}}}\n"
	b.must(b.apply(first))
	before := b.runs()
	big := "spec: {modules: {second: {class: Sink}, fw: {class: ACL, args: {rules: [" + strings.Repeat("{src_ip: 10.0.0.0/8},", 4000) + "]}}}}\n"
	b.refused(b.apply(big), "no space left on device")
	if now := b.runs(); now != before {
		t.Fatalf("before:\n%s\nafter:\n%s", before, now)
	}
	if r := b.condition("store"); !strings.Contains(r, "no space left") {
		t.Fatalf("condition %q", r)
	}
	if b.health() != serving {
		t.Fatal("what is stored runs, but the health denies it")
	}
	// There is room for something smaller.
	b.must(b.apply("spec: {modules: {third: {class: Sink}}}\n"))
	if r := b.condition("store"); r != "" || len(b.history()) != 2 {
		t.Fatalf("condition %q, history %v", r, b.history())
	}
}

func TestReadOnlyStore(t *testing.T) {
	b := newBox(t)
	b.onTmpfs("ro")
	b.boot()
	b.refused(b.apply("spec: {modules: {first: {class: Sink}}}\n"), "read-only file system")
	if strings.Contains(b.runs(), "first") {
		t.Fatal("it runs though it was refused")
	}
	_, err := b.c.CreateModule(context.Background(), "plain", "Sink", nil)
	b.must(err)
	b.Eventually("health says that calls are not stored", func() bool { return strings.Contains(b.condition("store"), "read-only") })
}

func TestFileInTheWay(t *testing.T) {
	b := newBox(t)
	b.must(os.WriteFile(b.store, []byte("x"), 0o600))
	b.boot()
	err := b.apply("spec: {modules: {first: {class: Sink}}}\n")
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), b.store+": not a directory") {
		t.Fatalf("%v", err)
	}
	if b.health() != notServing {
		t.Fatal("the health is fine with a store that cannot be read")
	}
}

func TestInterfaceThatComesLater(t *testing.T) {
	b := newBox(t)
	ns := testenv.Netns(t)
	ns.Veth("nic0", "peer0")
	b.wrap = []string{"nsenter", "--net=" + ns.Path()}
	b.boot()
	b.must(b.apply("spec:\n  ports:\n    p: {driver: PMDPort, args: {vdev: 'net_pcap0,iface=nic0'}}\n  modules:\n    in: {class: PortInc, args: {port: p}}\n    out: {class: Sink}\n  links: [in -> out]\n"))
	before := b.runs()
	b.kill()
	file := b.newest()
	was, err := os.ReadFile(file)
	b.must(err)
	ns.Delete("nic0")
	b.boot()
	if b.health() != notServing || !strings.Contains(b.condition("pipeline"), "nic0") {
		t.Fatalf("health %v: %q", b.health(), b.condition("pipeline"))
	}
	if now := b.runs(); strings.Contains(now, "PMDPort") {
		t.Fatalf("half of it runs:\n%s", now)
	}
	ns.Veth("nic0", "peer0")
	b.Eventually("the stored declaration runs", func() bool { return b.health() == serving })
	if now := b.runs(); now != before {
		t.Fatalf("before:\n%s\nafter:\n%s", before, now)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(was) || b.newest() != file {
		t.Fatalf("the stored file was touched: %v, %v", err, b.files())
	}
}

func TestTwoDaemonsDoNotShareAStore(t *testing.T) {
	b := newBox(t)
	b.boot()
	other := newBox(t)
	other.store = b.store
	out, err := testenvOutput(other)
	if err == nil || !strings.Contains(out, "another process uses this directory") {
		t.Fatalf("%v: %s", err, out)
	}
}
