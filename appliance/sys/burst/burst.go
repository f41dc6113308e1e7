// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package burst sends many frames out of an interface at once, where a socket
// has each take the whole way alone.
//
// A virtual interface hands a frame to its other end as soon as it is sent. What
// works off that end runs when the kernel leaves the section in which it has
// put it off (local_bh_enable): for sockets, of whatever family, that is after
// each frame. Here a program sends all frames within one such section, so that
// the other end has them all when it gets to work:
//
//	frames of a batch ── memory of a map ── program ── interface ── other end
//	                                           └── once for each frame ──┘
//	                                                        once for all ──┘
//
// The program is one for traffic control (tc-bpf(8)) which the kernel runs when
// it is asked to (BPF_PROG_TEST_RUN), with a frame of which it sends one clone
// after another (bpf_clone_redirect), with other bytes each. They take the way
// that those of packet sockets take, through traffic control. All clones of a
// batch have the protocol of the first frame there: filters by protocol on the
// way out (nftables' egress hook, tcx) must not be used with it. The other end
// finds out the protocol of each frame anew.
package burst

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

const (
	// Least is how many frames are worth it: the call takes longer than that
	// of a socket (BenchmarkSend).
	Least = 8
	// MaxLen is the longest frame that can be sent, in bytes.
	MaxLen = 2048
	// minLen is the shortest: a header.
	minLen = 14
	// xmitDrop and xmitCongested are NET_XMIT_DROP and NET_XMIT_CN
	// (linux/netdevice.h).
	xmitDrop, xmitCongested = 1, 2
)

// End is how a burst ended.
type End int

const (
	// Unsent says that what was not sent may be tried in another way.
	Unsent End = iota
	// Dropped says that the interface has dropped the first packet that was not sent, and
	// counted it. The others may be tried.
	Dropped
	// NoLink says that nothing was sent since the interface has no link, or is down. A
	// packet socket would hear that all was sent.
	NoLink
)

// memory is what a Sender and its program share.
type memory struct {
	index  uint32 // the interface's, 0 if there is none
	count  uint32 // frames to be sent
	sent   uint32 // frames that were sent
	answer int32  // of the kernel to the one after these, or to the last
	lens   [packet.BatchSize]uint32
	_      [240]byte // frames begin at whole cache lines
	frames [packet.BatchSize][MaxLen]byte
}

// Sender sends batches. It belongs to one worker at a time.
type Sender struct {
	prog   *ebpf.Program
	shared *ebpf.Map
	mem    []byte
	m      *memory
	run    testRun
	space  space
	// The worker that has sent last is known by its cache; here says that it
	// is in the namespace of the interface.
	last *packet.Cache
	here bool
}

// testRun is the kernel's argument for BPF_PROG_TEST_RUN (union bpf_attr).
type testRun struct {
	prog, result, sizeIn, sizeOut    uint32
	dataIn, dataOut                  uint64
	repeat, nanoseconds              uint32
	contextIn, contextOut            uint32
	contextInAddress, contextOutAddr uint64
	flags, cpu, batch                uint32
	_                                uint32
}

// space is a network namespace.
type space struct{ dev, ino uint64 }

// currentSpace returns that of the calling thread; none if it is not to be seen.
func currentSpace() space {
	var st unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &st) != nil {
		return space{}
	}
	return space{uint64(st.Dev), st.Ino} //nolint:unconvert // narrower elsewhere
}

// Open returns a Sender for an interface of the calling thread's network
// namespace. Errors: those of Usable, EPERM without CAP_BPF and CAP_NET_ADMIN,
// and what the kernel answers that does not know what is needed.
func Open(link netlink.Link) (_ *Sender, err error) {
	if err := Usable(link); err != nil {
		return nil, err
	}
	s := &Sender{space: currentSpace()}
	if s.space == (space{}) {
		return nil, fmt.Errorf("network namespace: %w", unix.ENOENT)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	_ = rlimit.RemoveMemlock() // kernels before 5.11 count maps
	if s.shared, err = ebpf.NewMap(&ebpf.MapSpec{Name: "bess_burst", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(unsafe.Sizeof(memory{})),
		MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE}); err != nil {
		return nil, fmt.Errorf("map of frames: %w", hostif.Refused(err))
	}
	page := os.Getpagesize()
	size := (int(unsafe.Sizeof(memory{})) + page - 1) / page * page
	if s.mem, err = unix.Mmap(s.shared.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map of frames: %w", err)
	}
	s.m = (*memory)(unsafe.Pointer(&s.mem[0]))
	if s.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "bess_send", Type: ebpf.SchedCLS, License: "Dual BSD/GPL",
		Instructions: code(s.shared.FD())}); err != nil {
		return nil, fmt.Errorf("load program: %w", hostif.Refused(err))
	}
	s.run.prog = uint32(s.prog.FD())
	s.run.dataIn = uint64(uintptr(unsafe.Pointer(&s.m.frames[0][0])))
	if e := s.call(0, minLen); e != 0 {
		return nil, fmt.Errorf("run program: %w", e)
	}
	s.Lead(link.Attrs().Index)
	return s, nil
}

// Lead makes the Sender send out of another interface of the same namespace, of
// none if the index is 0. Anybody may call it at any time.
func (s *Sender) Lead(index int) { atomic.StoreUint32(&s.m.index, uint32(index)) }

// Close releases what belongs to the Sender, which may be nil.
func (s *Sender) Close() {
	if s == nil {
		return
	}
	if s.prog != nil {
		_ = s.prog.Close()
	}
	if s.mem != nil {
		_ = unix.Munmap(s.mem)
		s.mem, s.m = nil, nil
	}
	if s.shared != nil {
		_ = s.shared.Close()
	}
}

// Send sends the first of ps and returns how many: all that went until the
// interface refused one, and how that was. It stops before one that has more than so many bytes,
// or MaxLen, less than a header, or is to be cut by hardware. Nothing is sent if
// that comes to less than Least, there is no interface, or the worker, which is
// known by its cache, is in another network namespace. The packets remain the
// caller's, whose business their checksums are, too. The Sender may be nil.
func (s *Sender) Send(c *packet.Cache, ps []packet.Packet, most int) (sent int, end End) {
	if s == nil || len(ps) < Least || atomic.LoadUint32(&s.m.index) == 0 || !s.reaches(c) {
		return 0, Unsent
	}
	n, longest := s.fill(ps, min(most, MaxLen))
	if n < Least {
		return 0, Unsent
	}
	_ = s.call(n, longest) // what went has gone, whatever the kernel says
	switch s.m.answer {
	case xmitDrop:
		end = Dropped
	case xmitCongested:
		end = NoLink
	}
	return int(s.m.sent), end
}

// Bytes returns how many bytes the first n packets had that were sent last. The
// Sender may be nil if n is 0.
func (s *Sender) Bytes(n int) (sum uint64) {
	if n == 0 {
		return 0
	}
	for _, l := range s.m.lens[:n] {
		sum += uint64(l)
	}
	return sum
}

// reaches reports whether a worker is where the interface is: the kernel looks
// for its index in the namespace of the thread that asks.
func (s *Sender) reaches(c *packet.Cache) bool {
	if c != s.last {
		s.last, s.here = c, currentSpace() == s.space
	}
	return s.here
}

// fill copies the first of ps to the memory of the program and returns how many
// and the length of the longest.
func (s *Sender) fill(ps []packet.Packet, most int) (n, longest int) {
	for i, p := range ps[:min(len(ps), packet.BatchSize)] {
		size := p.TotalLen()
		if size < minLen || size > most || p.Flags()&packet.FlagLarge != 0 {
			return i, longest
		}
		s.m.lens[i] = uint32(size)
		at := 0
		for seg := p; seg != 0; seg = seg.Next() {
			at += copy(s.m.frames[i][at:], seg.Bytes())
		}
		longest = max(longest, size)
		n = i + 1
	}
	return n, longest
}

// call has the program send n frames. The first is what the kernel makes its
// frame of, longer than it is by what is left of an earlier one.
func (s *Sender) call(n, longest int) unix.Errno {
	s.m.count, s.m.sent, s.m.answer = uint32(n), 0, 0
	s.run.sizeIn, s.run.sizeOut = uint32(longest), 0 // the kernel has written to the latter
	// The call returns at once, so that there is no point in telling the
	// scheduler about it: it would only take the worker's place away.
	_, _, e := unix.RawSyscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&s.run)), unsafe.Sizeof(s.run))
	return e
}
