// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pcapfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/pcapfile"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const realCapture = "../../../examples/acl/traffic.pcap"

type (
	arg   = pcapfile.PcapFilePortArg
	read  = pcapfile.PcapFileRead
	write = pcapfile.PcapFileWrite
)

func try(a *arg) (*port.Port, error) {
	return port.Open(pcapfile.Driver, port.Config{Name: "p0", NumInc: 3, NumOut: 2}, a, nil)
}

func open(t testing.TB, a *arg) (*port.Port, *packet.Cache) {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	p, err := try(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := pool.Available(); n != 1024 {
			t.Errorf("%d of 1024 buffers are free in the end", n)
		}
		pool.Close()
	})
	return p, pool.NewCache()
}

func notes(p *port.Port) string { return strings.Join(p.Device.(port.Noter).Notes(), "; ") }

func TestFromFileToFile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.pcap")
	p, c := open(t, &arg{Read: &read{Path: realCapture}, Write: &write{Path: out}})
	if p.Queues(port.Inc) != 1 || p.Queues(port.Out) != 1 || p.WaitFD(0) != -1 || p.RetryAfter(0) == 0 {
		t.Error("not as a file is polled")
	}
	var b packet.Batch
	// A port that is down waits where it is in the file.
	for _, up := range []bool{false, true} {
		if err := p.SetConf(0, nil, up); err != nil {
			t.Fatal(err)
		}
		if n := p.Recv(0, c, &b, packet.BatchSize); n > 0 != up {
			t.Errorf("up %t: %d packets", up, n)
		}
	}
	p.Send(0, c, &b)
	for p.Recv(0, c, &b, packet.BatchSize) > 0 {
		p.Send(0, c, &b)
	}
	if n := notes(p); n != "read "+realCapture+": end of file after 1097 packets; write "+out+": 1097 packets written" || p.RetryAfter(0) != 0 {
		t.Error(n)
	}
	if st := p.Stats(port.Out); st.Packets != 1097 || st.Bytes != 782048 {
		t.Errorf("%+v", st)
	}
	p.Device.Close()
	// What is in the file is what was in the other one, but for the stamps.
	q, c := open(t, &arg{Read: &read{Path: out}})
	defer q.Device.Close()
	r, c2 := open(t, &arg{Read: &read{Path: realCapture}})
	defer r.Device.Close()
	var b2 packet.Batch
	for q.Recv(0, c, &b, packet.BatchSize) > 0 {
		r.Recv(0, c2, &b2, packet.BatchSize)
		for i, pkt := range b.Packets() {
			if !bytes.Equal(pkt.Bytes(), b2.At(i).Bytes()) {
				t.Fatal("another packet")
			}
		}
		q.Send(0, c, &b)
		c2.FreeBatch(&b2)
	}
	if st := q.Stats(port.Out); st.Dropped != 1097 || st.Packets != 0 {
		t.Errorf("without a file to write: %+v", st)
	}
}

func TestPaces(t *testing.T) {
	var b packet.Batch
	for _, r := range []*read{
		{Path: realCapture, Loop: true, Pace: &pcapfile.PcapFileRead_PacketsPerSecond{PacketsPerSecond: 1}},
		{Path: realCapture, Loop: true, Pace: &pcapfile.PcapFileRead_BitsPerSecond{BitsPerSecond: 1}},
		{Path: realCapture, Pace: &pcapfile.PcapFileRead_Recorded{Recorded: true}},
	} {
		p, c := open(t, &arg{Read: r})
		n := p.Recv(0, c, &b, packet.BatchSize)
		c.FreeBatch(&b)
		if n == 0 || n == packet.BatchSize || p.RetryAfter(0) == 0 || time.Duration(p.RetryAfter(0)) > time.Hour {
			t.Errorf("%v: %d packets, the next in %d ns", r, n, p.RetryAfter(0))
		}
		p.Device.Close()
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	p, c := open(t, &arg{Write: &write{Path: dir + "/x.pcapng", Format: "pcapng", SnapLength: 96, RotatePackets: 10, RotateBytes: 1 << 30, RotateSeconds: 3600, KeepFiles: 2}})
	var b packet.Batch
	for range 5 {
		c.AllocZeroBatch(&b, 10, 60)
		p.Send(0, c, &b)
		c.AllocZeroBatch(&b, 1, 60)
		n := notes(p)
		p.Send(0, c, &b)
		testenv.Eventually(t, "another file is begun", func() bool {
			c.AllocZeroBatch(&b, 1, 60)
			p.Send(0, c, &b)
			return strings.SplitN(notes(p), ",", 2)[1] != strings.SplitN(n, ",", 2)[1]
		})
	}
	p.Device.Close()
	names, err := filepath.Glob(dir + "/*")
	if err != nil || len(names) != 2 {
		t.Error(names, err)
	}
	if p.Recv(0, c, &b, 64) != 0 || p.RetryAfter(0) != 0 {
		t.Error("packets from nowhere")
	}
}

func TestErrors(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	in, bad, out := dir+"/in.pcap", dir+"/bad.pcap", dir+"/out.pcap"
	whole, err := os.ReadFile(realCapture)
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{in: whole, bad: whole[:1000], out: []byte("old")} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []struct {
		a    *arg
		code int
		text string
	}{
		{&arg{}, errno.EINVAL, "read, write: one of them must be given"},
		{&arg{Read: &read{Path: dir + "/none"}, Write: &write{Path: out}}, errno.ENOENT, "read: stat " + dir + "/none: no such file"},
		{&arg{Read: &read{Path: bad}, Write: &write{Path: out}}, errno.EINVAL, "read: " + bad + ": offset "},
		{&arg{Read: &read{Path: in}, Write: &write{Path: in}}, errno.EINVAL, "write: path: " + in + ": is also read"},
		{&arg{Write: &write{Path: dir + "/no/x"}}, errno.ENOENT, "write: "},
		{&arg{Write: &write{Path: out, KeepFiles: 3}}, errno.EINVAL, "write: keep_files: 3: needs rotate_bytes"},
		{&arg{Write: &write{Path: out}, Read: &read{Path: in, Pace: &pcapfile.PcapFileRead_PacketsPerSecond{}}}, errno.EINVAL, "packets_per_second: 0"},
		{&arg{Write: &write{Path: out}, Read: &read{Path: in, Pace: &pcapfile.PcapFileRead_BitsPerSecond{}}}, errno.EINVAL, "bits_per_second: 0"},
	} {
		_, err := try(k.a)
		if errno.Code(err) != k.code || !strings.Contains(err.Error(), k.text) {
			t.Errorf("%v: errno %d: %v", k.a, errno.Code(err), err)
		}
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "old" {
		t.Error("a refused port changed its file")
	}
	if b, err := os.ReadFile(in); err != nil || !bytes.Equal(b, whole) {
		t.Error("the file to be read was changed")
	}
}

func TestNoAllocation(t *testing.T) {
	p, c := open(t, &arg{Read: &read{Path: realCapture, Loop: true, Pace: &pcapfile.PcapFileRead_PacketsPerSecond{PacketsPerSecond: 1e9}},
		Write: &write{Path: t.TempDir() + "/x", RotateBytes: 1 << 40}})
	defer p.Device.Close()
	var b packet.Batch
	if n := testing.AllocsPerRun(100, func() {
		p.Recv(0, c, &b, packet.BatchSize)
		p.Send(0, c, &b)
		p.RetryAfter(0)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
