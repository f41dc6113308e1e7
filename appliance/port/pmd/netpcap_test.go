// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/pcapgo"
	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

const realCapture = "../../../examples/acl/traffic.pcap"

// frames returns what another program finds in a capture file.
func frames(t testing.TB, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil || ci.CaptureLength != ci.Length {
			t.Fatal(err, ci)
		}
		all = append(all, data)
	}
}

func TestRealTrafficThroughFilesByteByByte(t *testing.T) {
	w := newBench(t)
	out := filepath.Join(t.TempDir(), "out.pcap")
	p := w.open(vdevArg("net_pcap0,rx_pcap=" + realCapture + ",tx_pcap=" + out))
	if p.Config().NumInc != 1 || p.WaitFD(0) != -1 || p.RetryAfter(0) == 0 {
		t.Error("a file is polled until it ends")
	}
	for p.Recv(0, w.c, &w.b, packet.BatchSize) > 0 {
		p.Send(0, w.c, &w.b)
	}
	got, want := frames(t, out), frames(t, realCapture)
	if len(got) != len(want) || len(want) != 1097 {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d: %x, want %x", i, got[i], want[i])
		}
	}
	for _, dir := range []port.Dir{port.Inc, port.Out} {
		if st := p.Stats(dir); st.Packets != 1097 || st.Bytes != 782048 || st.Dropped != 0 {
			t.Errorf("%v: %d packets, %d bytes, %d dropped", dir, st.Packets, st.Bytes, st.Dropped)
		}
	}
	if n := notes(p); n != "rx_pcap "+realCapture+": end of file after 1097 packets; tx_pcap "+out+": 1097 packets written" {
		t.Error(n)
	}
	if p.RetryAfter(0) != 0 {
		t.Error("asks to be polled after the end")
	}
}

func TestOneQueuePerFile(t *testing.T) {
	w := newBench(t)
	dir := t.TempDir()
	text := "net_pcap0,rx_pcap=" + realCapture + ",rx_pcap=" + realCapture + ",tx_pcap=" + dir + "/0,tx_pcap=" + dir + "/1,tx_pcap=" + dir + "/2"
	for _, q := range [][2]int{{3, 1}, {1, 2}, {2, 4}} {
		_, err := tryQueues(vdevArg(text), q[0], q[1])
		expectError(t, err, errno.EINVAL, "the device has")
	}
	p := w.open(vdevArg(text))
	if p.Queues(port.Inc) != 2 || p.Queues(port.Out) != 3 {
		t.Fatalf("%d and %d queues", p.Queues(port.Inc), p.Queues(port.Out))
	}
	for i, n := range []int{10, 3} {
		p.Recv(i, w.c, &w.b, n)
		p.Send(i+1, w.c, &w.b)
	}
	for i, n := range []int{0, 10, 3} {
		if got := frames(t, dir+"/"+string(rune('0'+i))); len(got) != n {
			t.Errorf("file %d has %d packets, want %d", i, len(got), n)
		}
	}
}

func TestFilesForOneDirectionOnly(t *testing.T) {
	w := newBench(t)
	rx := w.open(vdevArg("net_pcap0,rx_pcap=" + realCapture))
	rx.Recv(0, w.c, &w.b, 5)
	rx.Send(0, w.c, &w.b)
	if st := rx.Stats(port.Out); st.Packets != 5 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
	tx := w.open(vdevArg("eth_pcap1,tx_pcap=" + t.TempDir() + "/o"))
	if tx.Recv(0, w.c, &w.b, 5) != 0 || tx.RetryAfter(0) != 0 {
		t.Error("packets from nowhere")
	}
}

func TestFileWithoutEnd(t *testing.T) {
	w := newBench(t)
	p := w.open(vdevArg("net_pcap0,rx_pcap=" + realCapture + ",infinite_rx=1"))
	n := 0
	for n < 5000 {
		n += p.Recv(0, w.c, &w.b, packet.BatchSize)
		w.c.FreeBatch(&w.b)
	}
	if !strings.Contains(notes(p), "again and again: 50") || p.RetryAfter(0) == 0 {
		t.Error(notes(p))
	}
}

func TestErrorsOfFiles(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	whole, err := os.ReadFile(realCapture)
	if err != nil {
		t.Fatal(err)
	}
	in, cut, out := dir+"/in.pcap", dir+"/cut.pcap", dir+"/out.pcap"
	for path, data := range map[string][]byte{in: whole, cut: whole[:100000], out: []byte("old content")} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []struct {
		name, args string
		code       int
		text       string
	}{
		{"missing file", "rx_pcap=" + dir + "/none,tx_pcap=" + out, errno.ENOENT, dir + "/none: no such file"},
		{"truncated file", "rx_pcap=" + cut + ",tx_pcap=" + out, errno.EINVAL, cut + ": offset "},
		{"second file missing", "rx_pcap=" + in + ",rx_pcap=" + dir + "/none,tx_pcap=" + out, errno.ENOENT, "none"},
		{"directory missing", "rx_pcap=" + in + ",tx_pcap=" + out + ",tx_pcap=" + dir + "/no/where", errno.ENOENT, "/no/where"},
		{"one file read and written", "rx_pcap=" + in + ",tx_pcap=" + in, errno.EINVAL, "is also read"},
		{"the same by another name", "rx_pcap=" + in + ",tx_pcap=" + dir + "/./in.pcap", errno.EINVAL, "is also read"},
		{"one file written twice", "tx_pcap=" + out + ",tx_pcap=" + dir + "/./out.pcap", errno.EBUSY, "in use"},
		{"interface missing", "rx_iface=nosuchif0,tx_pcap=" + out, errno.ENODEV, `rx_iface: interface "nosuchif0": does not exist`},
		{"interface missing", "tx_iface=nosuchif0,rx_pcap=" + in, errno.ENODEV, `tx_iface: interface "nosuchif0": does not exist`},
	} {
		t.Run(k.name, func(t *testing.T) {
			_, err := try(vdevArg("net_pcap0," + k.args))
			expectError(t, err, k.code, "Cannot attach vdev net_pcap0,"+k.args+": ")
			expectError(t, err, k.code, k.text)
			if b, _ := os.ReadFile(out); string(b) != "old content" {
				t.Error("a refused port emptied a file")
			}
		})
	}
	if b, _ := os.ReadFile(in); !bytes.Equal(b, whole) {
		t.Error("the input was destroyed")
	}
}

func TestTwoPortsOnOneFile(t *testing.T) {
	w := newBench(t)
	out := filepath.Join(t.TempDir(), "out.pcap")
	p, err := try(vdevArg("net_pcap0,tx_pcap=" + out + ",rx_pcap=" + realCapture))
	if err != nil {
		t.Fatal(err)
	}
	p.Recv(0, w.c, &w.b, 7)
	p.Send(0, w.c, &w.b)
	_, err = try(vdevArg("net_pcap1,tx_pcap=" + out))
	expectError(t, err, errno.EBUSY, out+": is in use by another port")
	_, err = try(vdevArg("net_pcap1,rx_pcap=" + out))
	expectError(t, err, errno.EBUSY, out+": is being written by a port")
	if n := len(frames(t, out)); n != 7 {
		t.Fatalf("the file has %d packets", n)
	}
	p.Device.Close()
	q := w.open(vdevArg("net_pcap1,rx_pcap=" + out))
	if n := q.Recv(0, w.c, &w.b, 64); n != 7 {
		t.Fatalf("%d packets", n)
	}
	w.c.FreeBatch(&w.b)
}

// connect returns a namespace with a cable from a to b.
func connect(t testing.TB) *testenv.Namespace {
	t.Helper()
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	return ns
}

func (w *bench) openIn(ns *testenv.Namespace, text string) *port.Port {
	w.t.Helper()
	var p *port.Port
	ns.Do(func() (err error) { p, err = try(vdevArg(text)); return err })
	w.t.Cleanup(p.Device.Close)
	return p
}

// A file is played out of an interface, and what the other end of the cable
// receives is recorded in a file.
func TestRealTrafficThroughInterfaces(t *testing.T) {
	w := newBench(t)
	ns := connect(t)
	ns.Up("a", false)
	out := filepath.Join(t.TempDir(), "out.pcap")
	play := w.openIn(ns, "net_pcap0,rx_pcap="+realCapture+",tx_iface=a")
	rec := w.openIn(ns, "net_pcap1,rx_iface_in=b,phy_mac=1,tx_pcap="+out)
	testenv.Eventually(t, "the link is up", func() bool { return play.Link().Up && rec.Link().Up })
	if rec.WaitFD(0) < 0 || rec.RetryAfter(0) != 0 || play.WaitFD(0) != -1 || play.RetryAfter(0) == 0 {
		t.Error("what to wait for")
	}
	want := frames(t, realCapture)
	for played := 0; played < len(want); {
		n := play.Recv(0, w.c, &w.b, 1)
		frame := bytes.Clone(w.b.At(0).Bytes())
		testenv.Eventually(t, "the packet arrives", func() bool {
			// The cable may need a moment before it forwards anything.
			if w.b.Len() == 0 {
				w.b.Add(w.c.New(frame))
			}
			play.Send(0, w.c, &w.b)
			got := rec.Recv(0, w.c, &w.b, 64)
			rec.Send(0, w.c, &w.b)
			return got > 0
		})
		played += n
	}
	for rec.Recv(0, w.c, &w.b, 64) > 0 {
		rec.Send(0, w.c, &w.b)
	}
	// Nothing but the first packet may have been sent more than once.
	got := frames(t, out)
	for len(got) > len(want) && bytes.Equal(got[0], got[1]) {
		got = got[1:]
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d: %x, want %x", i, got[i], want[i])
		}
	}
	if n := notes(rec); !strings.Contains(n, "interface b: ring of ") || !strings.Contains(n, "tx_pcap "+out) {
		t.Error(n)
	}
}

func TestInterfaceForBothDirections(t *testing.T) {
	w := newBench(t)
	ns := connect(t)
	p := w.openIn(ns, "net_pcap0,iface=a")
	q := w.openIn(ns, "net_pcap1,iface=b")
	var mac net.HardwareAddr
	ns.Link("a", func(l netlink.Link) error { mac = l.Attrs().HardwareAddr; return nil })
	if cfg := p.Config(); !bytes.Equal(cfg.MAC, mac) || cfg.MTU != 1500 {
		t.Errorf("%+v", cfg)
	}
	frame := bytes.Repeat([]byte{2}, 60)
	for _, k := range [][2]*port.Port{{p, q}, {q, p}} {
		w.b.Clear()
		w.b.Add(w.c.New(frame))
		k[0].Send(0, w.c, &w.b)
		testenv.Eventually(t, "the packet arrives", func() bool { return k[1].Recv(0, w.c, &w.b, 64) == 1 })
		if !bytes.Equal(w.b.At(0).Bytes(), frame) {
			t.Errorf("%x", w.b.At(0).Bytes())
		}
		w.c.FreeBatch(&w.b)
	}
	if err := p.SetConf(1400, nil, false); err != nil {
		t.Fatal(err)
	}
	if p.Link().Up || p.Stats(port.Inc).Dropped != 0 {
		t.Error("the interface was not set down")
	}
	expectError(t, p.SetConf(9000, nil, true), errno.EINVAL, "mtu should be >= 68 and <= 2048")
	ns.Delete("b")
	testenv.Eventually(t, "the interface is gone", func() bool { return strings.Contains(notes(p), "a is gone") })
	w.b.Add(w.c.New(frame))
	if p.SetConf(0, nil, true) == nil || p.Recv(0, w.c, &packet.Batch{}, 64) != 0 {
		t.Error("an interface that is gone works")
	}
	p.Send(0, w.c, &w.b)
	if st := p.Stats(port.Out); st.Dropped != 1 {
		t.Errorf("%+v", st)
	}
}

func TestNoAllocation(t *testing.T) {
	w := newBench(t)
	for _, text := range []string{
		"net_pcap0,infinite_rx=1,rx_pcap=" + realCapture + ",tx_pcap=" + filepath.Join(t.TempDir(), "o"),
		"net_null0,copy=1",
	} {
		p := w.open(vdevArg(text))
		if n := testing.AllocsPerRun(200, func() {
			p.Recv(0, w.c, &w.b, packet.BatchSize)
			p.Send(0, w.c, &w.b)
			p.WaitFD(0)
			p.RetryAfter(0)
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	for name, text := range map[string]string{
		"null": "net_null0",
		"file": "net_pcap0,infinite_rx=1,rx_pcap=" + realCapture,
	} {
		b.Run(name, func(b *testing.B) {
			w := newBench(b)
			p := w.open(vdevArg(text))
			for b.Loop() {
				p.Recv(0, w.c, &w.b, packet.BatchSize)
				p.Send(0, w.c, &w.b)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packet.BatchSize), "ns/packet")
		})
	}
}
