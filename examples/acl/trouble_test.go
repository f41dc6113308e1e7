// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

// write makes a file for one test.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKilledUnderTerraform takes the daemon away between two runs: the next
// apply makes everything again.
func TestKilledUnderTerraform(t *testing.T) {
	d, result := rig.Start(t), filepath.Join(t.TempDir(), "out.pcap")
	tf := d.Terraform("acl", "capture="+file("traffic.pcap"), "result="+result)
	tf.Apply()
	compare(t, d, result, "expected.pcap", "expected.json")
	d.Kill()
	if out, status := tf.Run("plan", "-no-color", "-detailed-exitcode"); status != 0 || !strings.Contains(out, "cannot be reached") {
		t.Errorf("plan without a daemon: exit status %d\n%s", status, out)
	}
	d.Launch()
	if out, status := tf.Run("plan", "-no-color", "-detailed-exitcode"); status != 2 || !strings.Contains(out, "8 to add, 0 to change, 0 to destroy") {
		t.Errorf("plan with an empty daemon: exit status %d\n%s", status, out)
	}
	tf.Apply()
	compare(t, d, result, "expected.pcap", "expected.json")
	tf.Unchanged()
	tf.Destroy()
	empty(t, d)
}

// TestDestroyAfterKill destroys what a crash has taken already.
func TestDestroyAfterKill(t *testing.T) {
	d := rig.Start(t)
	tf := d.Terraform("acl", "capture="+file("traffic.pcap"), "result="+filepath.Join(t.TempDir(), "out.pcap"))
	tf.Apply()
	d.Kill()
	d.Launch()
	tf.Destroy()
	empty(t, d)
}

// TestBrokenRecording gives the port files that are no recording, or not all
// of one. It refuses them as a whole and names the file; the next good one is
// read as if nothing had been.
func TestBrokenRecording(t *testing.T) {
	whole := read(t, "traffic.pcap")
	long := append([]byte(nil), whole[:24+16]...)
	binary.LittleEndian.PutUint32(long[24+8:], 0xffffffff)
	d, result := rig.Start(t), filepath.Join(t.TempDir(), "out.pcap")
	d.Setenv("RESULT", result)
	for name, content := range map[string][]byte{
		"nothing":             nil,
		"cut in the header":   whole[:23],
		"no recording":        []byte(strings.Repeat("this is text\n", 1000)),
		"cut in a record":     whole[:24+7],
		"cut in a packet":     whole[:len(whole)/2],
		"cut in the last one": whole[:len(whole)-1],
		"endless packet":      long,
	} {
		t.Run(name, func(t *testing.T) {
			capture := write(t, "broken.pcap", content)
			if out, err := broken(d, capture); err == nil || !strings.Contains(out, capture) {
				t.Errorf("not refused, or the file is not named: %v\n%s", err, out)
			}
			empty(t, d)
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.pcap")
	if out, err := broken(d, missing); err == nil || !strings.Contains(out, missing) {
		t.Errorf("a file that does not exist: %v\n%s", err, out)
	}
	if out, err := broken(d, write(t, "header.pcap", whole[:24])); err != nil {
		t.Fatalf("a recording without packets: %v\n%s", err, out)
	}
	through(t, d, "files")
	if out, err := broken(d, file("traffic.pcap")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compare(t, d, result, "expected.pcap", "expected.json")
}

// broken applies the example with another recording, from scratch.
func broken(d *rig.Daemon, capture string) (string, error) {
	d.Must(d.Reset(context.Background()))
	d.Setenv("CAPTURE", capture)
	return d.Bessctl("apply", file("acl.yaml"))
}

// chain writes a declaration of n modules in a row, from a source to a sink.
func chain(name string, n int) []byte {
	var modules, links strings.Builder
	for i := range n {
		class := "Bypass"
		switch i {
		case 0:
			class = "Source"
		case n - 1:
			class = "Sink"
		}
		fmt.Fprintf(&modules, "    %s%d: {class: %s}\n", name, i, class)
		if i > 0 {
			fmt.Fprintf(&links, "    - %s%d -> %s%d\n", name, i-1, name, i)
		}
	}
	return []byte("apiVersion: bess.dev/v1\nkind: Pipeline\nspec:\n  modules:\n" + modules.String() + "  links:\n" + links.String())
}

// empties is a declaration of nothing.
const empties = "apiVersion: bess.dev/v1\nkind: Pipeline\nspec: {}\n"

func TestTenThousandModules(t *testing.T) {
	d := rig.Start(t)
	yaml := write(t, "big.yaml", chain("m", 10_000))
	begun := time.Now()
	d.MustBessctl("apply", yaml)
	t.Logf("10,000 modules and 9,999 links applied in %v", time.Since(begun).Round(time.Millisecond))
	modules, err := d.Modules(context.Background())
	d.Must(err)
	if len(modules) != 10_000 {
		t.Errorf("%d modules", len(modules))
	}
	rig.Eventually(t, "packets have come through all of them", func() bool { return d.Left("m9998", 0) > 0 })
	d.MustBessctl("diff", yaml)
	d.MustBessctl("apply", write(t, "empty.yaml", []byte(empties)))
	if left := d.Contents(); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestClientDies cuts the connection while a large pipeline is being applied:
// all of it is there afterwards, or nothing.
func TestClientDies(t *testing.T) {
	d := rig.Start(t)
	const n = 5000
	big := &declarepb.Document{Name: "big.yaml", Text: string(chain("m", n))}
	for _, after := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond} {
		dying, err := client.Dial(d.Address(), client.Options{Timeout: time.Minute})
		d.Must(err)
		time.AfterFunc(after, func() { _ = dying.Close() })
		_, err = dying.Apply(context.Background(), 0, big)
		t.Logf("cut after %v: %v", after, err)
		for range 20 {
			modules, err := d.Modules(context.Background())
			d.Must(err)
			if len(modules) != 0 && len(modules) != n {
				t.Fatalf("cut after %v: %d modules, want all %d or none", after, len(modules), n)
			}
		}
		rig.Eventually(t, "an empty pipeline can be applied", func() bool { // the other may still be under way
			_, err := d.Apply(context.Background(), 0, &declarepb.Document{Name: "empty.yaml", Text: empties})
			d.Must(err)
			return len(d.Contents()) == 0
		})
	}
}

// TestTwoClients lets two clients apply different pipelines again and again.
// What runs in the end is one of them, not a mixture.
func TestTwoClients(t *testing.T) {
	d := rig.Start(t)
	files := map[string]string{"a": write(t, "a.yaml", chain("a", 300)), "b": write(t, "b.yaml", chain("b", 300))}
	var wg sync.WaitGroup
	for name, yaml := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 10 {
				if out, err := d.Bessctl("apply", yaml); err != nil {
					t.Errorf("client %s: %v\n%s", name, err, out)
				}
			}
		}()
	}
	wg.Wait()
	last := 0
	for _, yaml := range files {
		if _, err := d.Bessctl("diff", yaml); err == nil {
			last++
		}
	}
	modules, err := d.Modules(context.Background())
	d.Must(err)
	if last != 1 || len(modules) != 300 {
		t.Errorf("%d of the two pipelines run, %d modules", last, len(modules))
	}
}

// TestTwoTools changes the same list with Terraform and by hand at the same
// time, under traffic.
func TestTwoTools(t *testing.T) {
	d := rig.Start(t)
	tf := d.Terraform("acl/live", "capture="+file("traffic.pcap"), "rules="+string(read(t, "rules2.json")))
	tf.Apply()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if out, err := d.Bessctl("command", "module", "fw", "add", "{rules: [{src_ip: 192.0.2.1, drop: true}]}"); err != nil {
				t.Errorf("by hand: %v\n%s", err, out)
				return
			}
		}
	}()
	for _, rules := range []string{"rules.json", "rules2.json"} {
		tf.Set("rules=" + string(read(t, rules)))
		tf.Apply()
	}
	flow(t, d)
	close(stop)
	<-done
	accounted(t, d)
	tf.Destroy()
	empty(t, d)
}
