// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queueout_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueout"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", queueout.Class) }

// setup returns a harness with a port "p" of two outgoing queues.
func setup(t testing.TB) (*moduletest.Harness, *port.Port, *porttest.Device) {
	t.Helper()
	h := moduletest.New(t)
	p, d, err := porttest.New("p", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(p)
	return h, p, d
}

func arg(name string, qid uint64) *queueout.QueueOutArg {
	return &queueout.QueueOutArg{Port: name, Qid: qid}
}

func TestOneModulePerQueue(t *testing.T) {
	h, p, d := setup(t)
	h.MustCreate("a", queueout.Class, arg("p", 0))
	h.MustCreate("b", queueout.Class, arg("p", 1))
	if err := h.Create("c", queueout.Class, arg("p", 0)); errno.Code(err) != errno.EBUSY {
		t.Errorf("a queue with an owner: %v", err)
	}
	if err := h.Create("c", portout.Class, &portout.PortOutArg{Port: "p"}); errno.Code(err) != errno.EBUSY {
		t.Errorf("PortOut beside QueueOut: %v", err)
	}
	if got, want := h.Desc("b"), "p:1/"+porttest.DriverName; got != want {
		t.Errorf("desc %q, want %q", got, want)
	}
	h.Send("b", 0, moduletest.Frame("U1"))
	if len(d.Sent(1)) != 1 || len(d.Sent(0)) != 0 {
		t.Error("the packet left through the wrong queue")
	}
	h.Destroy("a")
	h.Destroy("b")
	if p.User() != "" {
		t.Errorf("queues still belong to %q", p.User())
	}
}

// BESS cut the number to 8 bits.
func TestRefused(t *testing.T) {
	h, _, _ := setup(t)
	for _, c := range []struct {
		port string
		qid  uint64
		want int
	}{
		{"", 0, errno.EINVAL}, {"nope", 0, errno.ENODEV}, {"p", 2, errno.EINVAL}, {"p", 128, errno.EINVAL},
		{"p", 256, errno.EINVAL}, {"p", 1<<64 - 1, errno.EINVAL},
	} {
		if err := h.Create("m", queueout.Class, arg(c.port, c.qid)); errno.Code(err) != c.want {
			t.Errorf("port %q queue %d: %v", c.port, c.qid, err)
		}
	}
}

// P13 and P14, which QueueOut shares with PortOut.
func TestDropsAreThePorts(t *testing.T) {
	h, p, d := setup(t)
	h.MustCreate("m", queueout.Class, arg("p", 1))
	d.Accept(1, 1)
	h.Send("m", 0, make([]byte, 60), make([]byte, 60), make([]byte, 60))
	if err := p.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	h.Send("m", 0, make([]byte, 60), make([]byte, 60))
	if s := p.Stats(port.Out); s.Packets != 1 || s.Dropped != 4 || s.Bytes != 60 || d.Calls(1) != 1 || h.Deadends("m") != 0 {
		t.Errorf("%d packets %d dropped %d bytes, %d calls, %d dead ends", s.Packets, s.Dropped, s.Bytes, d.Calls(1), h.Deadends("m"))
	}
}

func TestUpdate(t *testing.T) {
	h, _, d := setup(t)
	d.Nodes = 2
	h.MustCreate("m", queueout.Class, arg("p", 0))
	for _, c := range []struct {
		arg  *queueout.QueueOutArg
		want error
	}{{arg("p", 0), nil}, {arg("p", 1), module.ErrRebuild}, {arg("other", 0), module.ErrRebuild}} {
		if err := h.Update("m", c.arg); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.arg, err, c.want)
		}
	}
	if err := h.Update("m", arg("", 0)); errno.Code(err) != errno.EINVAL {
		t.Errorf("no port: %v", err)
	}
	if m := h.Instance("m").(module.NodeLimiter).NodeMask(); m != 2 {
		t.Errorf("mask %x", m)
	}
}

// worker sends batches without graph.
type worker struct {
	module.NoInput
	m module.Module
}

func (w worker) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	if ctx.Cache.AllocBatch(b, 7, 60) {
		w.m.Process(ctx, b)
	}
	return module.Result{}
}

// The engine warns of a second worker, but runs it if told to.
func TestTwoWorkersDoNoHarm(t *testing.T) {
	h, p, d := setup(t)
	d.Endless(0)
	h.MustCreate("m", queueout.Class, arg("p", 1))
	pool, err := packet.NewPool(1 << 12)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	for id := range 2 {
		ctx := module.NewContext(id, pool.NewCache(), 1e9)
		wg.Go(func() {
			w := worker{m: h.Instance("m")}
			n := &module.Node{Mod: w, Cells: module.NewCells(0)}
			for range 3000 {
				if _, fault := ctx.RunTask(n, w, 0, 0); fault != nil {
					t.Error(fault.Value)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := p.Stats(port.Out); d.Overlaps() != 0 || s.Packets != 2*3000*7 {
		t.Errorf("%d overlaps, %d packets", d.Overlaps(), s.Packets)
	}
}

func TestNoAllocs(t *testing.T) {
	h, _, d := setup(t)
	d.Endless(0)
	h.MustCreate("m", queueout.Class, arg("p", 0))
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("T1"))
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
		h.MustCreate("m", queueout.Class, arg("p", 0))
		h.Send("m", 0, data, data[:len(data)/2], nil)
		got := d.Sent(0)
		if len(got) != 3 || !bytes.Equal(got[0], data) || !bytes.Equal(got[1], data[:len(data)/2]) || len(got[2]) != 0 {
			t.Fatalf("%d packets sent", len(got))
		}
		if s := p.Stats(port.Out); s.Packets != 3 || s.Bytes != uint64(len(data)+len(data)/2) {
			t.Fatalf("%d packets, %d bytes", s.Packets, s.Bytes)
		}
	})
}
