// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package portout_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", portout.Class) }

// setup returns a harness with a port "p".
func setup(t testing.TB, out int) (*moduletest.Harness, *port.Port, *porttest.Device) {
	t.Helper()
	h := moduletest.New(t)
	p, d, err := porttest.New("p", 1, out)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(p)
	return h, p, d
}

func arg(name string) *portout.PortOutArg { return &portout.PortOutArg{Port: name} }

func frames(n, size int) [][]byte {
	var list [][]byte
	for range n {
		list = append(list, make([]byte, size))
	}
	return list
}

func TestRefused(t *testing.T) {
	h, _, _ := setup(t, 1)
	for name, want := range map[string]int{"": errno.EINVAL, "nope": errno.ENODEV} {
		if err := h.Create("m", portout.Class, arg(name)); errno.Code(err) != want {
			t.Errorf("port %q: %v", name, err)
		}
	}
	h.MustCreate("m", portout.Class, arg("p"))
	if err := h.Create("n", portout.Class, arg("p")); errno.Code(err) != errno.EBUSY {
		t.Errorf("second PortOut: %v", err)
	}
}

func TestP9NoOutgoingQueue(t *testing.T) {
	h, _, _ := setup(t, 0)
	if err := h.Create("m", portout.Class, arg("p")); errno.Code(err) != errno.ENODEV {
		t.Errorf("%v", err)
	}
}

func TestP13DeviceTakesAPart(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	d.Accept(0, 10)
	h.Send("m", 0, frames(64, 60)...)
	if s := p.Stats(port.Out); s.Packets != 10 || s.Dropped != 54 || s.Bytes != 600 {
		t.Errorf("%d packets %d dropped %d bytes", s.Packets, s.Dropped, s.Bytes)
	}
	if n := len(d.Sent(0)); n != 10 || h.Deadends("m") != 0 {
		t.Errorf("%d sent, %d dead ends", n, h.Deadends("m"))
	}
}

// BESS read the lengths of packets that the driver had freed already; this
// device frees what it takes before it returns.
func TestBytesAreThoseOfThePacketsSent(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	d.Accept(0, 2, 0, porttest.All)
	h.Send("m", 0, make([]byte, 100), make([]byte, 2000), make([]byte, 60))
	h.Send("m", 0, make([]byte, 70))
	h.Send("m", 0, make([]byte, 5000)) // more than one buffer
	if s := p.Stats(port.Out); s.Packets != 3 || s.Dropped != 2 || s.Bytes != 7100 {
		t.Errorf("%d packets, %d dropped, %d bytes; want 3, 2, 7100", s.Packets, s.Dropped, s.Bytes)
	}
}

func TestP14PortDown(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	if err := p.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	h.Send("m", 0, frames(5, 60)...)
	if s := p.Stats(port.Out); s.Packets != 0 || s.Dropped != 5 || d.Calls(0) != 0 {
		t.Errorf("%d packets %d dropped %d calls", s.Packets, s.Dropped, d.Calls(0))
	}
}

// sendAs sends one frame as a worker and returns the queue it left through.
func sendAs(t *testing.T, h *moduletest.Harness, d *porttest.Device, queues, worker int) int {
	t.Helper()
	h.SetWorker(worker)
	h.Send("m", 0, []byte{1})
	for q := range queues {
		if len(d.Sent(q)) == 1 {
			return q
		}
	}
	t.Fatal("the packet was not sent")
	return -1
}

func TestP15QueuesOfWorkers(t *testing.T) {
	h, _, d := setup(t, 2)
	h.MustCreate("m", portout.Class, arg("p"))
	// All three workers must be known before the first of them sends.
	for _, w := range []int{9, 2, 5} {
		h.Context(w)
	}
	for _, c := range []struct{ worker, queue int }{{2, 0}, {5, 1}, {9, 0}} {
		if q := sendAs(t, h, d, 2, c.worker); q != c.queue {
			t.Errorf("worker %d sends through queue %d, want %d", c.worker, q, c.queue)
		}
	}
	o := h.Instance("m").(module.WorkerObserver)
	o.SetWorkers([]int{9})
	if q := sendAs(t, h, d, 2, 9); q != 0 {
		t.Errorf("alone, worker 9 sends through queue %d", q)
	}
	o.SetWorkers([]int{5, 9})
	if q := sendAs(t, h, d, 2, 9); q != 1 {
		t.Errorf("second of two, worker 9 sends through queue %d", q)
	}
	// BESS aborted here.
	if q := sendAs(t, h, d, 2, 2); q != 0 {
		t.Errorf("a worker without queue sends through queue %d", q)
	}
	o.SetWorkers(nil)
	if q := sendAs(t, h, d, 2, 9); q != 0 {
		t.Errorf("without workers, worker 9 sends through queue %d", q)
	}
}

func TestAllInputGatesAreAlike(t *testing.T) {
	h, _, d := setup(t, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	for _, g := range []int{0, 1, 8191} {
		h.Send("m", g, moduletest.Frame("U1"))
		if sent := d.Sent(0); len(sent) != 1 || !bytes.Equal(sent[0], moduletest.Frame("U1")) {
			t.Errorf("gate %d: %x", g, sent)
		}
	}
}

func TestDescriptionAndArgument(t *testing.T) {
	h, _, d := setup(t, 1)
	d.Nodes = 2
	h.MustCreate("m", portout.Class, arg("p"))
	if got, want := h.Desc("m"), "p/"+porttest.DriverName; got != want {
		t.Errorf("desc %q, want %q", got, want)
	}
	if r, err := h.Command("m", "get_initial_arg", nil); err != nil || !proto.Equal(r, arg("p")) {
		t.Errorf("%v, %v", r, err)
	}
	if m := h.Instance("m").(module.NodeLimiter).NodeMask(); m != 2 {
		t.Errorf("mask %x", m)
	}
	for name, want := range map[string]error{"p": nil, "other": module.ErrRebuild} {
		if err := h.Update("m", arg(name)); !errors.Is(err, want) {
			t.Errorf("update to port %q: %v", name, err)
		}
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

// runWorkers lets workers send until change returns.
func runWorkers(t *testing.T, m module.Module, ids []int, change func()) (sent uint64) {
	t.Helper()
	pool, err := packet.NewPool(1 << 13)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	counts := make([]uint64, len(ids))
	for i, id := range ids {
		ctx := module.NewContext(id, pool.NewCache(), 1e9)
		wg.Go(func() {
			w := worker{m: m}
			n := &module.Node{Mod: w, Cells: module.NewCells(0)}
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, fault := ctx.RunTask(n, w, 0, 0); fault != nil {
					t.Error(fault.Value)
					return
				}
				counts[i] += 7
			}
		})
	}
	change()
	close(stop)
	wg.Wait()
	for _, c := range counts {
		sent += c
	}
	return sent
}

// A queue must never be used by two workers at once, not even in the moment
// in which it changes hands.
func TestQueuesAreNeverUsedTwiceAtOnce(t *testing.T) {
	h, p, d := setup(t, 2)
	d.Endless(0)
	h.MustCreate("m", portout.Class, arg("p"))
	m := h.Instance("m")
	o := m.(module.WorkerObserver)
	sent := runWorkers(t, m, []int{0, 1, 2, 3}, func() {
		for i := range 3000 {
			o.SetWorkers([][]int{{0, 1, 2, 3}, {1, 2}, {3}, {0, 3}, nil}[i%5])
		}
	})
	if d.Overlaps() != 0 {
		t.Errorf("a queue was used twice at once, %d times", d.Overlaps())
	}
	if s := p.Stats(port.Out); s.Packets != sent || s.Dropped != 0 {
		t.Errorf("%d sent, port counts %d and %d dropped", sent, s.Packets, s.Dropped)
	}
}

// bad is a device whose driver panics.
type bad struct{ *porttest.Device }

func (bad) Send(int, *packet.Cache, []packet.Packet) int { panic("driver") }

// A panic in a driver is that worker's; the next one must get the queue.
func TestPanicInTheDriverLeavesNoLock(t *testing.T) {
	h, p, d := setup(t, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	m := h.Instance("m")
	pool, err := packet.NewPool(64)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx := module.NewContext(0, pool.NewCache(), 1e9)
	w := worker{m: m}
	n := &module.Node{Mod: w, Cells: module.NewCells(0)}
	p.Device = bad{d}
	if _, fault := ctx.RunTask(n, w, 0, 0); fault == nil {
		t.Fatal("no panic")
	}
	p.Device = d
	done := make(chan struct{})
	go func() { ctx.RunTask(n, w, 0, 0); close(done) }()
	<-done
	if d.Calls(0) != 1 {
		t.Errorf("%d calls", d.Calls(0))
	}
}

func TestNoAllocs(t *testing.T) {
	h, _, d := setup(t, 1)
	d.Endless(0)
	h.MustCreate("m", portout.Class, arg("p"))
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("T1"))
}

// null is a device that only frees.
type null struct{ *porttest.Device }

func (null) Send(_ int, c *packet.Cache, ps []packet.Packet) int { c.FreeAll(ps); return len(ps) }

func BenchmarkProcess(b *testing.B) {
	h, p, d := setup(b, 1)
	h.MustCreate("m", portout.Class, arg("p"))
	p.Device = null{d}
	pool, err := packet.NewPool(1 << 10)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	ctx := module.NewContext(0, pool.NewCache(), 1e9)
	m, batch := h.Instance("m"), new(packet.Batch)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Cache.AllocBatch(batch, packet.BatchSize, 60)
		m.Process(ctx, batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
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
		h.MustCreate("m", portout.Class, arg("p"))
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
