// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// What comes while the ring is almost full ends in the program, is counted, and
// keeps nothing out that comes when there is room again.
func TestGate(t *testing.T) {
	for _, mode := range []Mode{Native, Generic} {
		t.Run(mode.String(), func(t *testing.T) {
			k := connect(t, Options{Mode: mode, RxFrames: 512})
			var sent [][]byte
			for i := range 512 {
				sent = append(sent, frame(60, byte(i)))
			}
			k.put(sent...)
			shut := func() bool { return k.near.queues[0].socket.Load().gate.shut.Load() != 0 }
			// A worker at work finds it almost full.
			testenv.Eventually(t, "all wait", func() bool { return k.near.queues[0].socket.Load().rx.producer.Load() == 512 })
			got := takeOnce(k)
			if !shut() || len(got) != packet.BatchSize {
				t.Fatalf("%d packets received; shut: %v", len(got), shut())
			}
			k.put(sent[:7]...)
			testenv.Eventually(t, "drops are counted", func() bool { in, _ := k.near.Dropped(); return in == 7 })
			if !k.noted("7 dropped") {
				t.Error(k.near.Notes())
			}
			for shut() {
				got = append(got, takeOnce(k)...)
			}
			if left := 512 - len(got); left < 192 || left > 256 {
				t.Errorf("open again with %d packets in the ring", left)
			}
			k.put(sent[:9]...)
			same(t, append(got, k.recv(512-len(got)+9)...), append(sent, sent[:9]...))
			if in, _ := k.near.Dropped(); in != 7 || shut() {
				t.Errorf("%d dropped; shut: %v", in, shut())
			}
		})
	}
}

// takeOnce returns the packets of one batch.
func takeOnce(k *cable) (all [][]byte) {
	k.b.Clear()
	k.near.Recv(0, k.c, &k.b, packet.BatchSize)
	for _, p := range k.b.Packets() {
		all = append(all, content(p))
	}
	k.c.FreeBatch(&k.b)
	return all
}
