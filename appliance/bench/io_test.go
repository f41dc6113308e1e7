// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// TestRelay is no test but the program that TestPeers measures: it forwards
// from the first interface of its argument to the last, on the first core of
// this process.
func TestRelay(t *testing.T) {
	names := strings.Fields(os.Getenv("BENCH_RELAY"))
	if len(names) == 0 {
		return
	}
	runtime.LockOSThread()
	if err := sys.PinThread(0, sys.AllowedCores()[0]); err != nil {
		t.Fatal(err)
	}
	in, err := pktio.OpenInterface(names[0], pktio.InterfaceOptions{Receive: true, Send: true, Frames: 1024})
	if err != nil {
		t.Fatal(err)
	}
	out := in
	if last := names[len(names)-1]; last != names[0] {
		if out, err = pktio.OpenInterface(last, pktio.InterfaceOptions{Send: true}); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	c := pool.NewCache()
	var b packet.Batch
	for begun := time.Now(); time.Since(begun) < 10*time.Minute; b.Clear() {
		in.Recv(0, c, &b, packet.BatchSize)
		n := out.Send(0, c, b.Packets())
		c.FreeAll(b.Packets()[n:])
	}
}

// relay is the command that runs TestRelay.
func relay(t *testing.T, name, interfaces string) IORow {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	row, err := NewIOPeer(fmt.Sprintf("%s=BENCH_RELAY='%s' BESS_STATE_DIR=$(mktemp -d) %s -test.run ^TestRelay$", name, interfaces, exe))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	testenv.NeedNetns(t)
	cores := sys.AllowedCores()
	o := Options{Length: 100 * time.Millisecond, Warmup: 50 * time.Millisecond, Repeat: 2, Cores: [2]int{cores[0], cores[len(cores)-1]}}
	gone, err := NewIOPeer("gone=echo nothing to do with {in}; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunIO(t.Context(), o, []IORow{relay(t, "back", "{in}"), relay(t, "through", "{in} {out}"), gone})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows[:2] {
		if row.Error != "" || row.Mpps.Median <= 0 || row.PerCPU.Median <= 0 || row.Idle == nil || row.HalfLoad == nil || row.Target != "" {
			t.Errorf("%+v", row)
		}
	}
	if e := r.Rows[2].Error; !strings.Contains(e, "the program has ended (exit status 3):\nnothing to do with bio") {
		t.Errorf("error %q", e)
	}
	for _, row := range r.Rows[:2] {
		if row.NotWatched != "" {
			t.Errorf("%s: %s", row.Name, row.NotWatched)
		}
	}
	for _, row := range r.Rows {
		if _, err := os.Stat("/sys/class/net/" + near()); err == nil {
			t.Errorf("%s: the interface is left", row.Name)
		}
	}
}

// Who may not watch threads measures all the rest, and is told once why a column
// is empty.
func TestWithoutTracing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	testenv.NeedNetns(t)
	cores := sys.AllowedCores()
	o := Options{Length: 50 * time.Millisecond, Warmup: 50 * time.Millisecond, Repeat: 1, Cores: [2]int{cores[0], cores[len(cores)-1]}}
	rows := []IORow{relay(t, "back", "{in}"), relay(t, "again", "{in}")}
	var r *IOReport
	err := testenv.Without(func() (err error) { r, err = RunIO(t.Context(), o, rows); return err }, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if row.Error != "" || row.Mpps.Median <= 0 || row.Woken != nil || !strings.HasSuffix(row.NotWatched, "lacks CAP_PERFMON") {
			t.Errorf("%+v", row)
		}
		if b, err := json.Marshal(row); err != nil || !bytes.Contains(b, []byte(`"woken_not_watched":"watch a thread with BPF: `)) || bytes.Contains(b, []byte("woken_us")) {
			t.Errorf("%v: %s", err, b)
		}
	}
	var page bytes.Buffer
	r.Markdown(&page)
	if n := strings.Count(page.String(), "lacks CAP_PERFMON"); n != 1 || strings.Count(page.String(), " % | – | ") != len(rows) {
		t.Errorf("the reason is there %d times:\n%s", n, page.String())
	}
}
