// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// AFXDPPort without copying, with the driver of a real kernel, which reads and
// writes the frames that bessd shares with it: what comes in on one side leaves
// on the other.
func TestZeroCopy(t *testing.T) {
	l := newLab(t)
	for _, s := range []struct {
		name string
		f    func(*lab)
	}{
		{"traffic", (*lab).zeroCopyTraffic},
		{"idle", (*lab).idle},
		{"link", (*lab).linkDown},
		{"again", (*lab).again},
		{"killed", (*lab).killed},
		{"options", (*lab).options},
		{"refused", (*lab).refused},
		{"jumbo", (*lab).jumbo},
	} {
		if !t.Run(s.name, func(t *testing.T) { l.t = t; s.f(l) }) {
			l.t = t
			t.Fatalf("notes:\n%s\n%s", l.notes("left"), l.notes("right"))
		}
	}
}

// insist opens both sides without copying, and wants them to say so.
func (l *lab) insist(args string) {
	l.t.Helper()
	if err := l.apply(fmt.Sprintf(between, "on", args)); err != nil {
		l.t.Fatal(err)
	}
	for _, port := range []string{"left", "right"} {
		if n := l.notes(port); !strings.Contains(n, "native mode, zero-copy, 1 queues from 0") || strings.Contains(n, "not supported") {
			l.t.Fatal(n)
		}
	}
}

// pass sends n frames of all lengths each way.
func (l *lab) pass(n uint32) {
	l.t.Helper()
	var there, back [][]byte
	for i := range n {
		there, back = append(there, frame(i, plain)), append(back, frame(n+i, plain))
	}
	exchange(l.t, l.left, l.right, there, func(i int) (int, []byte) { return 0, there[i] })
	exchange(l.t, l.right, l.left, back, func(i int) (int, []byte) { return 0, back[i] })
	l.back()
}

// back waits until the kernel has given all frames back: none got lost.
func (l *lab) back() {
	l.t.Helper()
	for _, port := range []string{"left", "right"} {
		l.eventually("all frames of "+port+" came back", func() bool { return strings.Contains(l.notes(port), "packets, 0 frames under way") })
	}
}

func (l *lab) zeroCopyTraffic() {
	l.insist("")
	l.pass(3000)
	l.ping()
	for _, port := range []string{"left", "right"} {
		s, err := l.bess.PortStats(l.ctx, port)
		if err != nil || s.GetInc().GetPackets() < 3150 || s.GetOut().GetPackets() < 3150 || s.GetInc().GetDropped() != 0 || s.GetOut().GetDropped() != 0 {
			l.t.Error(s, err)
		}
		l.t.Log(l.notes(port))
	}
}

// ping has a host on the left ask one on the right for echoes of all sizes.
func (l *lab) ping() {
	l.t.Helper()
	for i := range 150 {
		payload := make([]byte, i*1472/149)
		for j := range payload {
			payload[j] = byte(i + j)
		}
		message := func(kind uint8, from, to byte) []byte {
			return serialize(&layers.Ethernet{SrcMAC: ours, DstMAC: pluggedHW, EthernetType: layers.EthernetTypeIPv4},
				&layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: []byte{192, 0, 2, from}, DstIP: []byte{192, 0, 2, to}},
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, 0), Id: 7, Seq: uint16(i)}, gopacket.Payload(payload))
		}
		for _, hop := range []struct {
			from, to *wire
			message  []byte
		}{
			{l.left, l.right, message(layers.ICMPv4TypeEchoRequest, 1, 2)},
			{l.right, l.left, message(layers.ICMPv4TypeEchoReply, 2, 1)},
		} {
			exchange(l.t, hop.from, hop.to, [][]byte{hop.message}, func(int) (int, []byte) { return 0, hop.message })
		}
	}
}

// The worker sleeps between packets, longer than it ever does by itself, and
// the kernel, which wants to be told, too.
func (l *lab) idle() {
	l.insist("")
	for i := range 3 {
		time.Sleep(time.Duration(i) * 700 * time.Millisecond)
		l.pass(1)
	}
}

// What is sent while the interface is down waits or is lost, and does not stop
// what is sent later: neither few packets, nor more than there are frames.
func (l *lab) linkDown() {
	l.insist("")
	for _, n := range []uint32{1, 3000} {
		l.tell("link eth2 down")
		for i := range n {
			if err := l.left.send(frame(1<<20+i, plain)); err != nil {
				l.t.Fatal(err)
			}
			if i%window == 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}
		l.eventually("it is down", func() bool { return strings.Contains(l.notes("right"), "eth2 is down") })
		l.tell("link eth2 up")
		// What was on its way comes first, as much of it as is left.
		last := frame(1<<21, plain)
		l.eventually("packets arrive again", func() bool {
			if err := l.left.send(last); err != nil {
				l.t.Fatal(err)
			}
			for {
				got, err := l.right.receive(200 * time.Millisecond)
				if err != nil {
					l.t.Fatal(err)
				}
				if got == nil || bytes.Equal(got, last) {
					return got != nil
				}
			}
		})
		l.drain()
		l.pass(500)
	}
}

// drain reads what is still on its way.
func (l *lab) drain() {
	for _, w := range []*wire{l.left, l.right} {
		for {
			if got, err := w.receive(500 * time.Millisecond); got == nil {
				if err != nil {
					l.t.Fatal(err)
				}
				break
			}
		}
	}
}

// Ports are destroyed and made again, at once.
func (l *lab) again() {
	for range 5 {
		if err := l.bess.Reset(l.ctx); err != nil {
			l.t.Fatal(err)
		}
		l.insist("")
		l.pass(100)
	}
}

// The daemon is killed, and ends in order, with packets on their way.
func (l *lab) killed() {
	l.insist("")
	for _, how := range []string{"kill", "end", "kill"} {
		stop := l.flow()
		l.tell(how)
		l.eventually("the daemon has been started again", func() bool {
			ports, err := l.bess.Ports(l.ctx)
			return err == nil && len(ports) == 0
		})
		stop()
		l.drain()
		l.insist("")
		l.pass(500)
	}
}

// flow has packets go from the left to the right until the result is called.
// They are read at once: QEMU ends when a driver resets a queue while the host
// does not take what is sent from it.
func (l *lab) flow() (stop func()) {
	var all sync.WaitGroup
	over := make(chan struct{})
	each := func(f func() error) {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := f(); err != nil {
					l.t.Error(err)
					return
				}
			}
		})
	}
	each(func() error {
		time.Sleep(2 * time.Millisecond)
		_ = l.left.conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := l.left.conn.WriteToUnix(frame(1<<22, plain), l.left.there)
		if errors.Is(err, os.ErrDeadlineExceeded) { // the interface is down
			return nil
		}
		return err
	})
	each(func() error {
		_, err := l.right.receive(50 * time.Millisecond)
		return err
	})
	return func() {
		close(over)
		all.Wait()
	}
}

func (l *lab) options() {
	for _, args := range []string{"frame_size: 2048", "always_wakeup: true", "busy_poll_us: 20", "shared_umem: true", "complete_checksums: \"off\""} {
		if err := l.bess.Reset(l.ctx); err != nil {
			l.t.Fatal(err)
		}
		l.insist(args)
		l.pass(500)
	}
}

// copying is a port on the interface whose driver can only copy.
const copying = `apiVersion: bess.dev/v1
kind: Pipeline
spec:
  ports: {other: {driver: AFXDPPort, args: {ifname: eth3, zero_copy: "%s"}}}
`

func (l *lab) refused() {
	err := l.apply(fmt.Sprintf(copying, "on"))
	if err == nil || !strings.Contains(err.Error(), `interface "eth3": zero_copy: on: the driver does not do it: bind to queue 0: `) {
		l.t.Error(err)
	}
	l.t.Log(err)
	if err := l.apply(fmt.Sprintf(copying, "auto")); err != nil {
		l.t.Fatal(err)
	}
	if n := l.notes("other"); !strings.Contains(n, "native mode, copy") || !strings.Contains(n, "eth3: zero-copy: bind to queue 0: ") {
		l.t.Error(n)
	}
	l.t.Log(l.notes("other"))
}

// The driver does not spread a packet over several frames: what would not fit
// is refused, or copied where the choice is free.
func (l *lab) jumbo() {
	l.insist("")
	if err := l.setMTU("left", 9000); err == nil || !strings.Contains(err.Error(), "MTU 9000: the driver takes one frame for a packet, and 3818 bytes of frame_size 4096") {
		l.t.Error(err)
	}
	if err := l.setMTU("left", 3818); err != nil {
		l.t.Error(err)
	}
	if err := l.bess.Reset(l.ctx); err != nil {
		l.t.Fatal(err)
	}
	l.tell("link eth1 9000")
	l.tell("link eth2 9000")
	if err := l.apply(fmt.Sprintf(between, "on", "")); err == nil || !strings.Contains(err.Error(), "MTU 9000: the driver takes one frame") {
		l.t.Error(err)
	}
	if err := l.apply(fmt.Sprintf(between, "auto", "")); err != nil {
		l.t.Fatal(err)
	}
	n := l.notes("left")
	if !strings.Contains(n, "native mode, copy") || !strings.Contains(n, "zero-copy: MTU 9000: ") {
		l.t.Error(n)
	}
	l.t.Log(n)
	l.pass(100)
	long := serialize(&layers.Ethernet{SrcMAC: ours, DstMAC: pluggedHW, EthernetType: 0x88b5}, gopacket.Payload(bytes.Repeat([]byte{7, 9}, 4500)))
	exchange(l.t, l.left, l.right, [][]byte{long}, func(int) (int, []byte) { return 0, long })
}
