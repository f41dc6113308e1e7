// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// twoEnds is a device with two interfaces.
type twoEnds struct{ a, b presence.Note }

func (d *twoEnds) Recv(int, *packet.Cache, *packet.Batch, int) int { return 0 }
func (d *twoEnds) Send(int, *packet.Cache, []packet.Packet) int    { return 0 }
func (d *twoEnds) Close()                                          {}
func (d *twoEnds) Presence() []presence.State {
	return []presence.State{d.a.State("a0"), d.b.State("b0")}
}

// watched is an engine with one port of that kind, and its watch.
type watched struct {
	*PortWatch
	t   *testing.T
	d   *twoEnds
	log bytes.Buffer
	now time.Time
}

func newWatched(t *testing.T) *watched {
	w := &watched{t: t, d: &twoEnds{}, now: time.Now()}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	driver := &port.Driver{Name: "TwoEnds", Prefix: "two", Arg: &emptypb.Empty{}, New: port.New(
		func(*port.Config, *emptypb.Empty) (*twoEnds, error) { return w.d, nil })}
	e, err := engine.New(engine.Options{Drivers: []*port.Driver{driver}, Buffers: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if _, err := e.CreatePort(engine.PortSpec{Name: "p", Driver: "TwoEnds"}); err != nil {
		t.Fatal(err)
	}
	w.PortWatch = NewPortWatch(e, &Conditions{}, log)
	return w
}

// after looks when some time has passed and wants these lines and no more in the
// log, each by two pieces, and the condition to be well or not.
func (w *watched) after(d time.Duration, well bool, lines ...[2]string) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.log.Reset()
	w.Look(w.now)
	got := strings.Split(strings.TrimSuffix(w.log.String(), "\n"), "\n")
	if w.log.Len() == 0 {
		got = nil
	}
	if len(got) != len(lines) {
		w.t.Fatalf("%d lines, want %d:\n%s", len(got), len(lines), &w.log)
	}
	for i, l := range lines {
		if !strings.Contains(got[i], l[0]) || !strings.Contains(got[i], l[1]) {
			w.t.Errorf("want %q in\n%s", l, got[i])
		}
	}
	if why := reason(w.conditions, ConditionPorts); (why == "") != well {
		w.t.Errorf("condition: %q", why)
	}
}

const (
	isAway = `level=WARN msg="the interface of a port is away" port=p driver=TwoEnds interface=a0 `
	isBack = `level=INFO msg="the interface of a port is back" port=p driver=TwoEnds interface=a0 `
)

func TestPortWatchTellsOnce(t *testing.T) {
	w := newWatched(t)
	w.after(0, true)
	w.d.a.Lost("was deleted")
	w.after(time.Second, false, [2]string{isAway, `reason="was deleted"`})
	if why := reason(w.conditions, ConditionPorts); !strings.Contains(why, "port p (TwoEnds): interface a0 is away since 2") || !strings.HasSuffix(why, "Z: it was deleted") {
		t.Errorf("%q", why)
	}
	w.after(time.Second, false)
	w.after(time.Hour, false)
	w.d.a.Lost("came again, but is in use")
	w.after(time.Second, false, [2]string{isAway, `reason="came again, but is in use"`})
	w.d.a.Back("fast mode")
	w.after(time.Second, true, [2]string{isBack, `mode="fast mode" since=2`})
	w.after(time.Hour, true)
	// Each interface of a port is one of its own.
	w.d.b.Lost("was deleted")
	w.after(time.Second, false, [2]string{"WARN", "interface=b0"})
	w.d.a.Lost("was deleted")
	w.after(time.Second, false, [2]string{isAway, ""})
	if why := reason(w.conditions, ConditionPorts); !strings.Contains(why, "interface a0") || !strings.Contains(why, "; port p (TwoEnds): interface b0") {
		t.Errorf("%q", why)
	}
	if err := w.engine.DestroyPort("p"); err != nil {
		t.Fatal(err)
	}
	w.after(time.Second, true)
	if len(w.told) != 0 {
		t.Error("a port that is no more is remembered")
	}
}

func TestPortWatchOfAFlappingInterface(t *testing.T) {
	w := newWatched(t)
	flap := func() { w.d.a.Lost("was deleted"); w.d.a.Back("fast") }
	// What happens between two looks is told as well.
	flap()
	w.after(time.Second, true, [2]string{isAway, ""}, [2]string{isBack, "mode=fast"})
	for range 8 {
		flap()
		w.after(time.Second, true)
	}
	w.after(time.Second, true)
	flap()
	w.after(time.Second, true, [2]string{isAway, "times=9"}, [2]string{isBack, ""})
	// The last word is the truth, though a bit late.
	w.d.a.Lost("was deleted")
	w.after(time.Second, false)
	w.after(quiet, false, [2]string{isAway, `reason="was deleted"`})
	w.d.a.Back("fast")
	w.after(time.Second, true, [2]string{isBack, ""})
	w.after(time.Hour, true)
}
