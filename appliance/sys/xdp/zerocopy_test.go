// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// No driver of a host without hardware does without copying: here a socket of
// a veth is taken for one that does. What a real driver does is tested in a
// virtual machine (make test-zero-copy).
func taken(k *cable) *socket {
	s := k.near.queues[0].socket.Load()
	s.zeroCopy = true
	return s
}

// The kernel refuses to tell a driver whose interface is down. When all frames
// wait for that, the next Send after it came up has to do it.
func TestZeroCopySendsAfterLinkWasDown(t *testing.T) {
	k := connect(t, Options{TxFrames: 64})
	s := taken(k)
	k.ns.Up("near", false)
	for range 4 {
		k.send(0, many(packet.BatchSize)...)
	}
	if n := s.untaken(); n != 64 || len(s.free) != 0 || !s.owing.Load() {
		t.Fatalf("%d frames wait, %d are free, owing %v", n, len(s.free), s.owing.Load())
	}
	k.ns.Up("near", true)
	testenv.Eventually(t, "what waited is sent, and more", func() bool { return k.send(0, frame(60, 1)) == 1 })
}

// The collector tells the driver, too: nothing may be sent any more.
func TestZeroCopyIsToldWhenLinkIsUp(t *testing.T) {
	k := connect(t, Options{TxFrames: 64})
	s := taken(k)
	k.ns.Up("near", false)
	if n := k.send(0, many(16)...); n != 16 || s.untaken() != 16 {
		t.Fatalf("%d sent, %d wait", n, s.untaken())
	}
	k.ns.Up("near", true)
	testenv.Eventually(t, "what waited is sent", func() bool { return s.untaken() == 0 })
}

// An MTU that does not fit is refused where a packet takes one frame only.
func TestMTUFitsFrame(t *testing.T) {
	k := connect(t, Options{FrameSize: 2048})
	s := k.near.queues[0].socket.Load()
	if err := k.near.SetConf(9000, nil, true); err != nil {
		t.Fatal(err)
	}
	s.multi = false
	err := k.near.SetConf(1771, nil, true)
	if errno.Code(err) != errno.EINVAL || !strings.Contains(err.Error(), "MTU 1771: the driver takes one frame for a packet, and 1770 bytes of frame_size 2048") {
		t.Error(err)
	}
	if mtu, _ := k.near.Address(); mtu != 9000 {
		t.Errorf("MTU %d", mtu)
	}
	if err := k.near.SetConf(1770, nil, true); err != nil {
		t.Error(err)
	}
	k.near.coarse, s.zeroCopy = true, true
	if err := k.near.SetConf(1003, nil, true); err == nil || !strings.Contains(err.Error(), "and 1002 bytes of frame_size 2048") {
		t.Error(err)
	}
	s.zeroCopy = false
	if !k.noted("one frame of 1792 bytes per packet") {
		t.Error(describe(k.near.Notes()))
	}
}

// Frames under way are told, and come back.
func TestUnderWay(t *testing.T) {
	k := connect(t, Options{})
	k.send(0, many(4)...)
	k.get(4)
	testenv.Eventually(t, "all frames came back", func() bool { return k.noted("outgoing queue 0: 4 packets, 0 frames under way") })
}

func many(n int) (all [][]byte) {
	for i := range n {
		all = append(all, frame(60+i, byte(i)))
	}
	return all
}
