// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queueinc_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueinc"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", queueinc.Class) }

// setup returns a harness with a port "p" of two incoming queues.
func setup(t testing.TB) (*moduletest.Harness, *port.Port, *porttest.Device) {
	t.Helper()
	h := moduletest.New(t)
	p, d, err := porttest.New("p", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(p)
	return h, p, d
}

func arg(name string, qid uint64) *queueinc.QueueIncArg {
	return &queueinc.QueueIncArg{Port: name, Qid: qid}
}

func TestP6OneModulePerQueue(t *testing.T) {
	h, _, d := setup(t)
	h.MustCreate("a", queueinc.Class, arg("p", 0))
	h.MustCreate("b", queueinc.Class, arg("p", 1))
	if err := h.Create("c", queueinc.Class, arg("p", 1)); errno.Code(err) != errno.EBUSY {
		t.Errorf("a queue with an owner: %v", err)
	}
	if got, want := h.Desc("b"), "p:1/"+porttest.DriverName; got != want {
		t.Errorf("desc %q, want %q", got, want)
	}
	d.Offer(1, []byte{1}, []byte{1})
	if r := h.RunTask("a", 0); !r.Blocked {
		t.Errorf("queue 0: %+v", r)
	}
	if r := h.RunTask("b", 0); r.Packets != 2 || r.Bits != 2*25*8 {
		t.Errorf("queue 1: %+v", r)
	}
	if n := len(h.Out("b", 0)); n != 2 {
		t.Errorf("%d packets left gate 0", n)
	}
}

// P7, and P8, where BESS cut the number to 8 bits.
func TestP7P8Refused(t *testing.T) {
	h, _, _ := setup(t)
	for _, c := range []struct {
		port string
		qid  uint64
		want int
	}{
		{"", 0, errno.EINVAL}, {"nope", 0, errno.ENODEV}, {"p", 2, errno.EINVAL}, {"p", 127, errno.EINVAL},
		{"p", 128, errno.EINVAL}, {"p", 256, errno.EINVAL}, {"p", 1 << 63, errno.EINVAL}, {"p", 1<<64 - 1, errno.EINVAL},
	} {
		if err := h.Create("m", queueinc.Class, arg(c.port, c.qid)); errno.Code(err) != c.want {
			t.Errorf("port %q queue %d: %v", c.port, c.qid, err)
		}
		// The rules of the .proto file check first; so must the class.
		env := module.NewEnv("m", nil, noPorts{})
		if _, err := queueinc.Class.New(env, arg(c.port, c.qid)); errno.Code(err) != c.want && c.qid != 2 && c.qid != 127 {
			t.Errorf("class alone: port %q queue %d: %v", c.port, c.qid, err)
		}
	}
}

// noPorts is an engine without ports.
type noPorts struct{ module.Host }

func (noPorts) Port(string) (*port.Port, bool) { return nil, false }
func (noPorts) ReleaseAttrs([]module.Attr)     {}

// BESS's QueueInc was no task for the graph and ignored backpressure.
func TestIsATaskAndObeysBackpressure(t *testing.T) {
	if !queueinc.Class.Task {
		t.Error("the class does not say that it has tasks")
	}
	h, _, d := setup(t)
	d.FD = 7
	h.MustCreate("m", queueinc.Class, arg("p", 0))
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Connect("m", 0, "q", 0)
	for range 100 {
		d.Offer(0, make([]byte, 60))
	}
	h.RunTask("m", 0)
	if r := h.RunTask("m", 0); !r.Blocked || r.Retry != module.OverloadRetry || d.Waiting(0) != 36 {
		t.Errorf("%+v, %d waiting", r, d.Waiting(0))
	}
	if fd := h.Instance("m").(module.FDWaiter).WaitFD(0); fd != -1 {
		t.Errorf("held back, but waits for descriptor %d", fd)
	}
	h.RunTask("q", 0)
	if r := h.RunTask("m", 0); r.Packets != 36 {
		t.Errorf("after the queue was emptied: %+v", r)
	}
}

func TestEmptyDownAndBurst(t *testing.T) {
	h, p, d := setup(t)
	d.FD, d.Retry = 7, 99
	h.MustCreate("m", queueinc.Class, arg("p", 1))
	w := h.Instance("m").(module.FDWaiter)
	if r := h.RunTask("m", 0); !r.Blocked || r.Retry != 99 || w.WaitFD(0) != 7 {
		t.Errorf("empty: %+v, descriptor %d", r, w.WaitFD(0))
	}
	if s := p.Stats(port.Inc); s.Requested[64] != 1 || s.Actual[0] != 1 || s.Diff[64] != 1 {
		t.Error("an empty poll must be in the histograms")
	}
	for range 20 {
		d.Offer(1, make([]byte, 60))
	}
	for _, c := range []struct{ burst, want uint64 }{{8, 8}, {0, 0}, {64, 12}} {
		if _, err := h.Command("m", "set_burst", &queueinc.QueueIncCommandSetBurstArg{Burst: c.burst}); err != nil {
			t.Fatal(err)
		}
		if r := h.RunTask("m", 0); r.Packets != c.want || r.Blocked != (c.want == 0) {
			t.Errorf("burst %d: %+v", c.burst, r)
		}
	}
	if _, err := h.Command("m", "set_burst", &queueinc.QueueIncCommandSetBurstArg{Burst: 65}); errno.Code(err) != errno.EINVAL {
		t.Errorf("burst 65: %v", err)
	}
	if err := p.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	d.Offer(1, make([]byte, 60))
	if r := h.RunTask("m", 0); !r.Blocked || r.Retry == 0 || w.WaitFD(0) != -1 || d.Waiting(1) != 1 {
		t.Errorf("down: %+v, descriptor %d", r, w.WaitFD(0))
	}
}

func TestUpdate(t *testing.T) {
	h, _, _ := setup(t)
	h.MustCreate("m", queueinc.Class, arg("p", 0))
	if err := h.Update("m", &queueinc.QueueIncArg{Port: "p", Prefetch: true}); err != nil {
		t.Error(err)
	}
	for _, a := range []*queueinc.QueueIncArg{arg("p", 1), arg("other", 0)} {
		if err := h.Update("m", a); !errors.Is(err, module.ErrRebuild) {
			t.Errorf("%v: %v", a, err)
		}
	}
	if err := h.Update("m", arg("", 0)); errno.Code(err) != errno.EINVAL {
		t.Errorf("no port: %v", err)
	}
}

func TestNodeMask(t *testing.T) {
	h, _, d := setup(t)
	d.Nodes = 2
	h.MustCreate("m", queueinc.Class, arg("p", 0))
	if m := h.Instance("m").(module.NodeLimiter).NodeMask(); m != 2 {
		t.Errorf("mask %x", m)
	}
}

func TestNoAllocs(t *testing.T) {
	h, _, d := setup(t)
	h.MustCreate("m", queueinc.Class, arg("p", 0))
	h.NoTaskAllocs("m", 0)
	d.Offer(0, make([]byte, 60))
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
		h, p, d := setup(t)
		h.MustCreate("m", queueinc.Class, arg("p", 0))
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
