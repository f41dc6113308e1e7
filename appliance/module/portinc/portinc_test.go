// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package portinc_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/portinc"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueinc"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", portinc.Class) }

// setup returns a harness with a port "p".
func setup(t testing.TB, inc int) (*moduletest.Harness, *port.Port, *porttest.Device) {
	t.Helper()
	h := moduletest.New(t)
	p, d, err := porttest.New("p", inc, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(p)
	return h, p, d
}

func arg(name string) *portinc.PortIncArg { return &portinc.PortIncArg{Port: name} }

func frames(n, size int) [][]byte {
	var list [][]byte
	for range n {
		list = append(list, make([]byte, size))
	}
	return list
}

func TestP1OneTaskPerQueue(t *testing.T) {
	h, _, d := setup(t, 2)
	h.MustCreate("m", portinc.Class, arg("p"))
	if got, want := h.Desc("m"), "p/"+porttest.DriverName; got != want {
		t.Errorf("desc %q, want %q", got, want)
	}
	d.Offer(0, []byte{0})
	d.Offer(1, []byte{1}, []byte{1})
	if r := h.RunTask("m", 1); r.Packets != 2 {
		t.Errorf("task 1: %+v", r)
	}
	if r := h.RunTask("m", 0); r.Packets != 1 {
		t.Errorf("task 0: %+v", r)
	}
}

func TestP2P3Refused(t *testing.T) {
	h, _, _ := setup(t, 1)
	for name, want := range map[string]int{"": errno.EINVAL, "nope": errno.ENODEV} {
		if err := h.Create("m", portinc.Class, arg(name)); errno.Code(err) != want {
			t.Errorf("port %q: %v", name, err)
		}
	}
	q, _, err := porttest.New("deaf", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(q)
	if err := h.Create("m", portinc.Class, arg("deaf")); errno.Code(err) != errno.ENODEV {
		t.Errorf("port without incoming queue: %v", err)
	}
}

func TestP4P5QueuesHaveOneOwner(t *testing.T) {
	h, p, _ := setup(t, 2)
	h.MustCreate("m", portinc.Class, arg("p"))
	if err := h.Create("n", portinc.Class, arg("p")); errno.Code(err) != errno.EBUSY {
		t.Errorf("second PortInc: %v", err)
	}
	if err := h.Create("n", queueinc.Class, &queueinc.QueueIncArg{Port: "p"}); errno.Code(err) != errno.EBUSY {
		t.Errorf("QueueInc: %v", err)
	}
	h.Destroy("m")
	if p.User() != "" {
		t.Fatalf("queues still belong to %q", p.User())
	}
	h.MustCreate("n", queueinc.Class, &queueinc.QueueIncArg{Port: "p", Qid: 1})
	if err := h.Create("m", portinc.Class, arg("p")); errno.Code(err) != errno.EBUSY {
		t.Errorf("PortInc beside QueueInc: %v", err)
	}
}

func TestP10Receive(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portinc.Class, arg("p"))
	d.Offer(0, frames(100, 60)...)
	if r := h.RunTask("m", 0); r.Packets != 64 || r.Bits != 43008 || r.Blocked {
		t.Errorf("%+v", r)
	}
	if n := len(h.Out("m", 0)); n != 64 {
		t.Errorf("%d packets left gate 0", n)
	}
	if s := p.Stats(port.Inc); s.Packets != 64 || s.Bytes != 3840 {
		t.Errorf("%d packets %d bytes", s.Packets, s.Bytes)
	}
}

func TestP11EmptyQueue(t *testing.T) {
	h, p, d := setup(t, 1)
	d.Retry = 12345
	h.MustCreate("m", portinc.Class, arg("p"))
	if r := h.RunTask("m", 0); !r.Blocked || r.Packets != 0 || r.Retry != 12345 {
		t.Errorf("%+v", r)
	}
	if s := p.Stats(port.Inc); s.Requested[64] != 1 || s.Actual[0] != 1 || s.Diff[64] != 1 {
		t.Error("an empty poll must be in the histograms")
	}
}

func TestP12PortDown(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portinc.Class, arg("p"))
	d.Offer(0, frames(1, 60)...)
	if err := p.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	if r := h.RunTask("m", 0); !r.Blocked || r.Packets != 0 || r.Retry == 0 {
		t.Errorf("%+v: nobody wakes the task when the port comes up", r)
	}
	if s := p.Stats(port.Inc); s.Requested != [65]uint64{} || d.Waiting(0) != 1 {
		t.Error("a port that is down was polled")
	}
	if err := p.SetConf(0, nil, true); err != nil {
		t.Fatal(err)
	}
	if r := h.RunTask("m", 0); r.Packets != 1 {
		t.Errorf("up again: %+v", r)
	}
}

func TestP16SetBurst(t *testing.T) {
	h, _, d := setup(t, 1)
	h.MustCreate("m", portinc.Class, arg("p"))
	d.Offer(0, frames(20, 60)...)
	set := func(n uint64) error {
		_, err := h.Command("m", "set_burst", &portinc.PortIncCommandSetBurstArg{Burst: n})
		return err
	}
	if err := set(8); err != nil {
		t.Fatal(err)
	}
	if r := h.RunTask("m", 0); r.Packets != 8 {
		t.Errorf("%+v", r)
	}
	if err := set(65); errno.Code(err) != errno.EINVAL {
		t.Errorf("burst 65: %v", err)
	}
	if err := set(0); err != nil {
		t.Fatal(err)
	}
	if r := h.RunTask("m", 0); r.Packets != 0 || !r.Blocked {
		t.Errorf("burst 0: %+v", r)
	}
	if err := set(64); err != nil {
		t.Fatal(err)
	}
	if r := h.RunTask("m", 0); r.Packets != 12 {
		t.Errorf("%+v", r)
	}
}

func TestP17InitialArg(t *testing.T) {
	h, _, _ := setup(t, 1)
	a := arg("p")
	a.Prefetch = true
	h.MustCreate("m", portinc.Class, a)
	r, err := h.Command("m", "get_initial_arg", nil)
	if err != nil || !proto.Equal(r, a) {
		t.Errorf("%v, %v", r, err)
	}
}

func TestOverloadDownstreamBlocks(t *testing.T) {
	h, p, d := setup(t, 1)
	d.FD = 7
	h.MustCreate("m", portinc.Class, arg("p"))
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Connect("m", 0, "q", 0)
	d.Offer(0, frames(100, 60)...)
	h.RunTask("m", 0)
	before := p.Stats(port.Inc).Packets
	if r := h.RunTask("m", 0); !r.Blocked || r.Retry != module.OverloadRetry || p.Stats(port.Inc).Packets != before {
		t.Errorf("%+v", r)
	}
	// The device is readable all the time: waiting for it would be no wait.
	if fd := h.Instance("m").(module.FDWaiter).WaitFD(0); fd != -1 {
		t.Errorf("held back, but waits for descriptor %d", fd)
	}
	h.RunTask("q", 0)
	if r := h.RunTask("m", 0); r.Packets == 0 {
		t.Errorf("after the queue was emptied: %+v", r)
	}
}

func TestWaitFD(t *testing.T) {
	h, p, d := setup(t, 1)
	d.FD, d.Retry = 7, 0
	h.MustCreate("m", portinc.Class, arg("p"))
	fd := func() int { return h.Instance("m").(module.FDWaiter).WaitFD(0) }
	if r := h.RunTask("m", 0); !r.Blocked || r.Retry != 0 || fd() != 7 {
		t.Errorf("empty: %+v, descriptor %d", r, fd())
	}
	if err := p.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	if h.RunTask("m", 0); fd() != -1 {
		t.Errorf("down: descriptor %d", fd())
	}
}

// What an earlier packet left in its buffer is not this packet's metadata.
func TestMetadataIsCleared(t *testing.T) {
	h, _, d := setup(t, 1)
	h.WatchAttr("x")
	h.MustCreate("dirty", writer, nil) // its gate is watched: x has a place
	h.MustCreate("m", portinc.Class, arg("p"))
	h.MustCreate("look", looker, nil)
	h.Connect("m", 0, "look", 0)
	h.Send("dirty", 0, frames(64, 60)...)
	d.Offer(0, frames(64, 60)...)
	h.RunTask("m", 0)
	if l := h.Instance("look").(*look); l.seen != 64 || l.stale != 0 {
		t.Errorf("%d of %d packets with another packet's metadata", l.stale, l.seen)
	}
}

func TestUpdate(t *testing.T) {
	h, _, _ := setup(t, 1)
	h.MustCreate("m", portinc.Class, arg("p"))
	if err := h.Update("m", &portinc.PortIncArg{Port: "p", Prefetch: true}); err != nil {
		t.Error(err)
	}
	if err := h.Update("m", arg("other")); !errors.Is(err, module.ErrRebuild) {
		t.Errorf("another port: %v", err)
	}
	if err := h.Update("m", arg("")); errno.Code(err) != errno.EINVAL {
		t.Errorf("no port: %v", err)
	}
	r, err := h.Command("m", "get_initial_arg", nil)
	if err != nil || !r.(*portinc.PortIncArg).Prefetch {
		t.Errorf("%v, %v", r, err)
	}
}

func TestNodeMask(t *testing.T) {
	h, _, d := setup(t, 1)
	d.Nodes = 2
	h.MustCreate("m", portinc.Class, arg("p"))
	if m := h.Instance("m").(module.NodeLimiter).NodeMask(); m != 2 {
		t.Errorf("mask %x", m)
	}
}

func TestNoAllocs(t *testing.T) {
	h, _, d := setup(t, 1)
	h.MustCreate("m", portinc.Class, arg("p"))
	h.NoTaskAllocs("m", 0)
	d.Offer(0, frames(3, 60)...)
	d.Endless(0)
	h.NoTaskAllocs("m", 0)
}

// Whatever the frame: it passes unchanged and is counted.
func FuzzProcess(f *testing.F) {
	f.Add(moduletest.Frame("U1"))
	f.Add(make([]byte, 5000))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > packet.MaxTotal {
			return
		}
		h, p, d := setup(t, 1)
		h.MustCreate("m", portinc.Class, arg("p"))
		d.Offer(0, data, data[:len(data)/2], nil)
		r := h.RunTask("m", 0)
		got := h.Out("m", 0)
		if len(got) != 3 || !bytes.Equal(got[0], data) || !bytes.Equal(got[1], data[:len(data)/2]) || len(got[2]) != 0 {
			t.Fatalf("%d packets left gate 0", len(got))
		}
		if s := p.Stats(port.Inc); r.Packets != 3 || r.Bits != (s.Bytes+3*24)*8 || s.Bytes != uint64(len(data)+len(data)/2) {
			t.Fatalf("%+v, %d bytes", r, s.Bytes)
		}
	})
}
