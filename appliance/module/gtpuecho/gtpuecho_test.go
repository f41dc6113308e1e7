// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpuecho_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/gtpuecho"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// An echo request of 54 bytes.
const request = "06163e1b7232021e679f4dae080045000028000100004011e570c0a80a02c0a80a010868086800140000320100040000000000070000"

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", gtpuecho.Class) }

// A request that leaves no room for the element in its buffer goes to gate 0
// unmodified, alone or with padding in a second buffer.
func TestNoTailroom(t *testing.T) {
	const room = packet.BufferSize - packet.Headroom
	h := moduletest.New(t)
	h.MustCreate("m", gtpuecho.Class, &gtpuecho.GtpuEchoArg{S1USgwIp: 1})
	full, almost := longRequest(room), longRequest(room-1)
	padded := append(longRequest(room), make([]byte, packet.Headroom+1)...)
	h.Send("m", 0, full, almost, padded, longRequest(room-2))
	out := h.Out("m", 0)
	if n := h.Counter("m", "no_tailroom"); n != 3 || len(out) != 3 {
		t.Fatalf("%d counted, %d packets on gate 0, want 3", n, len(out))
	}
	for i, want := range [][]byte{full, almost, padded} {
		if !bytes.Equal(out[i], want) {
			t.Errorf("packet %d is modified: %x", i, out[i])
		}
	}
	if out := h.Out("m", 1); len(out) != 1 || len(out[0]) != room {
		t.Errorf("%d responses, want one of %d bytes", len(out), room)
	}
}

// longRequest returns an echo request of n bytes.
func longRequest(n int) []byte {
	f := append(moduletest.Frame(request), make([]byte, n-len(request)/2)...)
	binary.BigEndian.PutUint16(f[16:], uint16(n-14)) // of IP
	binary.BigEndian.PutUint16(f[38:], uint16(n-34)) // of UDP
	binary.BigEndian.PutUint16(f[44:], uint16(n-50)) // of GTP
	return f
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpuecho.Class, &gtpuecho.GtpuEchoArg{S1USgwIp: 1})
	h.NoAllocs("m", []byte{1}, moduletest.Frame("U1"), moduletest.Frame(request))
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{1}, moduletest.Frame(request), uint16(0))
	moduletest.Fuzz(f, gtpuecho.Class, func(seed []byte) proto.Message {
		a := &gtpuecho.GtpuEchoArg{}
		for _, c := range seed {
			a.S1USgwIp = a.S1USgwIp<<8 | uint32(c)
		}
		return a
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, gtpuecho.Class, &gtpuecho.GtpuEchoArg{S1USgwIp: 1}, moduletest.Frame(request))
}
