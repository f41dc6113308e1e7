// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpupathmonitoring_test

import (
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/gtpupathmonitoring"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

// A request without destination, and a response of 10.0.0.1 to number 0.
const (
	request  = "06163e1b7232021e679f4dae0800450000280001000040110000c0a80a010000000008680868001400003201000400000000beef0000"
	response = "06163e1b7232021e679f4dae080045000028000100004011a61a0a000001c0a80a010868086800140000320200040000000000000000"
)

type (
	peerArg  = gtpupathmonitoring.GtpuPathMonitoringCommandAddDeleteArg
	readArg  = gtpupathmonitoring.GtpuPathMonitoringCommandReadArg
	readings = gtpupathmonitoring.GtpuPathMonitoringCommandReadResponse
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", gtpupathmonitoring.Class) }

func instance(t testing.TB, peers int) *moduletest.Harness {
	h := moduletest.New(t)
	h.MustCreate("m", gtpupathmonitoring.Class, nil)
	for i := range peers {
		command(t, h, "add", &peerArg{GnbIp: 0x0a000001 + uint32(i)})
	}
	return h
}

func command(t testing.TB, h *moduletest.Harness, cmd string, arg proto.Message) proto.Message {
	t.Helper()
	r, err := h.Command("m", cmd, arg)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return r
}

// answer returns a response of a peer to request seq.
func answer(peer int, seq uint16) []byte {
	b := moduletest.Frame(response)
	f, _ := header.ParseGTPUFrame(b, len(b))
	f.IP.SetSrc(0x0a000001 + uint32(peer))
	f.GTP.SetSequence(seq)
	return b
}

// Half the time between request and response, for one sample in all figures.
func TestM15Latency(t *testing.T) {
	h := instance(t, 2)
	h.Send("m", 0, moduletest.Frame(request))
	h.Send("m", 0, answer(0, 0))
	s := command(t, h, "read", &readArg{}).(*readings).Statistics
	if len(s) != 2 || s[0].GnbIp != 0x0a000001 || s[0].Count != 1 || s[0].LatencyMin == 0 || s[0].LatencyMin > 30e9 ||
		s[0].LatencyMin != s[0].LatencyMean || s[0].LatencyMean != s[0].LatencyMax || s[1].Count != 0 {
		t.Errorf("%v", s)
	}
}

// BESS kept what was not answered until the number came again.
func TestProbesExpire(t *testing.T) {
	h := instance(t, 1)
	for range 1024 {
		h.Send("m", 0, moduletest.Frame(request))
	}
	h.Send("m", 0, answer(0, 0), answer(0, 0)) // the oldest that is waited for, and again
	if n := h.Counter("m", "responses"); n != 1 {
		t.Errorf("%d responses taken, want 1", n)
	}
	h.Send("m", 0, moduletest.Frame(request))
	h.Send("m", 0, moduletest.Frame(request)) // takes the place of number 1
	h.Send("m", 0, answer(0, 1))
	h.Send("m", 0, answer(0, 2))
	if r, u := h.Counter("m", "responses"), h.Counter("m", "unmatched"); r != 2 || u != 2 {
		t.Errorf("%d responses, %d unmatched", r, u)
	}
}

// Numbers have 16 bits and start over.
func TestSequenceWraps(t *testing.T) {
	h := instance(t, 1)
	batch := make([][]byte, 64)
	for i := range batch {
		batch[i] = moduletest.Frame(request)
	}
	for range 65536 / len(batch) {
		h.Send("m", 0, batch...)
		h.Out("m", 0)
	}
	h.Send("m", 0, answer(0, 65535))
	h.Send("m", 0, moduletest.Frame(request))
	out := h.Out("m", 0)
	f, ok := header.ParseGTPUFrame(out[0], len(out[0]))
	if seq, _ := f.GTP.Sequence(); !ok || seq != 0 {
		t.Errorf("request %d follows 65535", seq)
	}
	h.Send("m", 0, answer(0, 0))
	if n := h.Counter("m", "responses"); n != 2 {
		t.Errorf("%d responses", n)
	}
}

// BESS never freed the request that was copied. The harness counts packets.
func TestRequestIsNotLeaked(t *testing.T) {
	h := instance(t, 3)
	h.Send("m", 0, moduletest.Frame(request))
	if out := h.Out("m", 0); len(out) != 3 {
		t.Errorf("%d requests", len(out))
	}
}

func TestPeersAreLimited(t *testing.T) {
	h := instance(t, 65536)
	if _, err := h.Command("m", "add", &peerArg{GnbIp: 1}); errno.Code(err) != errno.ENOSPC {
		t.Errorf("one peer too many: %v", err)
	}
	command(t, h, "add", &peerArg{GnbIp: 0x0a000001}) // known ones still count
	if s := command(t, h, "read", &readArg{}).(*readings).Statistics; len(s) != 65536 {
		t.Errorf("%d entries", len(s))
	}
}

// Commands and packets at the same time; in BESS both changed the same maps.
func TestCommandsWhilePacketsFlow(t *testing.T) {
	h := instance(t, 4)
	h.Send("m", 0, moduletest.Frame(request))
	var wg sync.WaitGroup
	wg.Add(1)
	read := uint64(0)
	go func() {
		defer wg.Done()
		for i := range 300 {
			for cmd, arg := range map[string]proto.Message{"add": &peerArg{GnbIp: 5}, "delete": &peerArg{GnbIp: 5}} {
				if _, err := h.Command("m", cmd, arg); err != nil {
					t.Error(err)
				}
			}
			r, err := h.Command("m", "read", &readArg{Clear: i%2 == 0})
			if err != nil || len(r.(*readings).Statistics) < 4 {
				t.Error(r, err)
			}
			if i%2 == 0 {
				for _, s := range r.(*readings).Statistics {
					read += s.Count
				}
			}
		}
	}()
	for i := range 300 {
		h.Send("m", 0, moduletest.Frame(request), answer(0, uint16(i)), answer(3, uint16(i+1)))
	}
	wg.Wait()
	for _, s := range command(t, h, "read", &readArg{}).(*readings).Statistics {
		read += s.Count
	}
	if want := h.Counter("m", "responses"); read != want || want == 0 {
		t.Errorf("%d responses were read, %d counted", read, want)
	}
}

func TestNoAllocs(t *testing.T) {
	h := instance(t, 10)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame(request), moduletest.Frame(response))
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{1, 2, 1}, moduletest.Frame(request), uint16(0))
	f.Add([]byte{1, 2, 1}, moduletest.Frame(response), uint16(0))
	f.Fuzz(func(t *testing.T, commands, data []byte, seq uint16) {
		if len(data) > 4000 || len(commands) > 100 {
			return
		}
		h := instance(t, 1)
		for _, c := range commands {
			peer := &peerArg{GnbIp: 0x0a000000 + uint32(c>>3)}
			switch c % 8 {
			case 0, 1:
				command(t, h, "add", peer)
			case 2, 3:
				command(t, h, "delete", peer)
			case 4:
				command(t, h, "read", &readArg{Clear: c&8 != 0})
			case 5:
				command(t, h, "clear", nil)
			default:
				h.Send("m", 0, data, moduletest.Frame(request), answer(int(c>>3), seq), data[:len(data)/2])
			}
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	b.Run("request", func(b *testing.B) {
		h := instance(b, 10)
		b.ReportAllocs()
		for b.Loop() {
			h.Send("m", 0, moduletest.Frame(request))
			h.Out("m", 0)
		}
	})
	b.Run("response", func(b *testing.B) {
		moduletest.Bench(b, gtpupathmonitoring.Class, nil, moduletest.Frame(response))
	})
}
