// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// AFXDPPort without copying, with the driver of a real kernel, which reads and
// writes the frames that bessd shares with it: what comes in on one side leaves
// on the other.
func TestZeroCopy(t *testing.T) {
	l := newLab(t, vm.NIC{Properties: dma}, 1)
	l.steps(append(always, step{"small", (*lab).small}, step{"refused", (*lab).refused}, step{"jumbo", (*lab).jumbo})...)
}

// A network card of hardware, as far as QEMU makes one, with two queues.
func TestZeroCopyQueues(t *testing.T) {
	list := debs(t)
	if out, _ := exec.Command(vm.Program, "-device", "igb,help").CombinedOutput(); !strings.Contains(string(out), "options") {
		need.Skip(t, need.NoProgram, "QEMU 8 or newer, with the card igb")
	}
	if !hasDriver(t, list, "igb") {
		t.Skip("the kernel of KERNEL_DEB has no driver igb: Debian's for real machines does")
	}
	l := newLab(t, vm.NIC{Model: "igb"}, 2)
	l.steps(append(always, step{"coarse", (*lab).coarse})...)
}

// step is a part of a test.
type step struct {
	name string
	f    func(*lab)
}

// always are those that every driver must pass.
var always = []step{
	{"traffic", (*lab).zeroCopyTraffic},
	{"idle", (*lab).idle},
	{"link", (*lab).linkDown},
	{"again", (*lab).again},
	{"killed", (*lab).killed},
	{"options", (*lab).options},
}

func (l *lab) steps(list ...step) {
	t := l.t
	for _, s := range list {
		if !t.Run(s.name, func(t *testing.T) { l.t = t; s.f(l) }) {
			l.t = t
			t.Fatalf("notes:\n%s\n%s", l.notes("left"), l.notes("right"))
		}
	}
}

// insist opens both sides without copying, and wants them to say so.
func (l *lab) insist(args string) {
	l.t.Helper()
	text := between
	if l.queues == 2 {
		text = spread
	}
	if err := l.apply(fmt.Sprintf(text, "on", args)); err != nil {
		l.t.Fatal(err)
	}
	says := fmt.Sprintf("native mode, zero-copy, %d queues from 0", l.queues)
	for _, port := range []string{"left", "right"} {
		if n := l.notes(port); !strings.Contains(n, says) || strings.Contains(n, "not supported") {
			l.t.Fatal(n)
		}
	}
}

// pass sends n frames of all lengths each way.
func (l *lab) pass(n uint32) {
	l.t.Helper()
	var there, back [][]byte
	for i := range n {
		there, back = append(there, l.numbered(i)), append(back, l.numbered(n+i))
	}
	flow := func(i int) int { return i * (l.queues - 1) } // in any order if there are more queues
	exchange(l.t, l.left, l.right, there, func(i int) (int, []byte) { return flow(i), there[i] })
	exchange(l.t, l.right, l.left, back, func(i int) (int, []byte) { return flow(i), back[i] })
	l.back()
}

// numbered returns a frame from one of a hundred hosts: cards spread them over
// their queues. What its addresses add up to, and so its checksums, stay.
func (l *lab) numbered(i uint32) []byte {
	const source, destination = 14 + 12 + 2, 14 + 16 + 2
	f := frame(i, plain)
	f[source] += byte(i % 100)
	f[destination] -= byte(i % 100)
	return f
}

// back waits until the kernel has given all frames back: none got lost.
func (l *lab) back() {
	l.t.Helper()
	for _, port := range []string{"left", "right"} {
		l.eventually("all frames of "+port+" came back", func() bool {
			return strings.Count(l.notes(port), "packets, 0 frames under way") == l.queues
		})
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
		l.tell("link right down")
		for i := range n {
			if err := l.left.send(frame(1<<20+i, plain)); err != nil {
				l.t.Fatal(err)
			}
			if i%window == 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}
		l.eventually("it is down", func() bool { return strings.Contains(l.notes("right"), "right is down") })
		l.tell("link right up")
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
		l.drain() // what waited for the card to be used again
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
	for _, args := range []string{"always_wakeup: true", "busy_poll_us: 20", "shared_umem: true", "complete_checksums: \"off\""} {
		if err := l.bess.Reset(l.ctx); err != nil {
			l.t.Fatal(err)
		}
		l.insist(args)
		l.pass(500)
	}
}

// This card has room in steps of 1 KiB: of a small frame, a packet would fill
// the half, and then go on in the next as if it were another packet.
func (l *lab) coarse() {
	if err := l.bess.Reset(l.ctx); err != nil {
		l.t.Fatal(err)
	}
	err := l.apply(fmt.Sprintf(spread, "on", "frame_size: 2048"))
	if err == nil || !strings.Contains(err.Error(), "MTU 1500: the driver takes one frame for a packet, and 1002 bytes of frame_size 2048") {
		l.t.Error(err)
	}
	l.tell("link left 1002")
	l.tell("link right 1002")
	l.insist("frame_size: 2048")
	l.pass(12) // up to 911 bytes
}

// small frames are those that drivers take that count every byte.
func (l *lab) small() {
	if err := l.bess.Reset(l.ctx); err != nil {
		l.t.Fatal(err)
	}
	l.insist("frame_size: 2048")
	l.pass(500)
}

// copying is a port on the interface whose driver can only copy.
const copying = `apiVersion: bess.dev/v1
kind: Pipeline
spec:
  ports: {other: {driver: AFXDPPort, args: {ifname: other, zero_copy: "%s"}}}
`

func (l *lab) refused() {
	err := l.apply(fmt.Sprintf(copying, "on"))
	if err == nil || !strings.Contains(err.Error(), `interface "other": zero_copy: on: the driver does not do it: bind to queue 0: `) {
		l.t.Error(err)
	}
	l.t.Log(err)
	if err := l.apply(fmt.Sprintf(copying, "auto")); err != nil {
		l.t.Fatal(err)
	}
	if n := l.notes("other"); !strings.Contains(n, "native mode, copy") || !strings.Contains(n, "interface other: zero-copy: bind to queue 0: ") {
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
	l.tell("link left 9000")
	l.tell("link right 9000")
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
