// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// frameAt puts a header and a frame into a guest's memory and returns the
// bytes that both have.
func (g *guest) frameAt(at int, frame []byte) uint32 {
	clear(g.mem[at : at+netHeader])
	return uint32(netHeader + copy(g.mem[at+netHeader:], frame))
}

// Every way to describe a frame that a driver may choose.
func TestChainsToReceive(t *testing.T) {
	frame := pattern(300, 5)
	for name, build := range map[string]func(g *guest){
		"one descriptor": func(g *guest) { g.desc(1, 0, desc{0x2000, 312, 0, 0}) },
		"header apart": func(g *guest) {
			g.desc(1, 0, desc{0x2000, 12, descNext, 5})
			g.desc(1, 5, desc{0x200c, 300, 0, 0})
		},
		"header in pieces": func(g *guest) {
			g.desc(1, 0, desc{0x2000, 5, descNext, 1})
			g.desc(1, 1, desc{0x2005, 0, descNext, 2})
			g.desc(1, 2, desc{0x2005, 100, descNext, 3})
			g.desc(1, 3, desc{0x2069, 207, 0, 0})
		},
		"indirect": func(g *guest) {
			g.table(0x8003, desc{0x2000, 12, descNext, 2}, desc{}, desc{0x200c, 300, 0, 0})
			g.desc(1, 0, desc{0x8003, 48, descIndirect, 0})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t)
			g := newGuest(t)
			defer g.close()
			g.start(modern)
			g.frameAt(0x2000, frame)
			build(g)
			g.offer(1, 0)
			got := w.poll(g.d)
			if len(got) != 1 || !bytes.Equal(got[0], frame) {
				t.Fatalf("%d frames", len(got))
			}
			if n, e := g.used(1); n != 1 || e(0) != "0:0" {
				t.Errorf("used ring: index %d, %s", n, e(0))
			}
			if len(w.poll(g.d)) != 0 || g.broken != nil {
				t.Error("something is left", g.broken)
			}
		})
	}
}

// Chains that make no sense are given back and counted, the next is served.
func TestBadChainsToReceive(t *testing.T) {
	for name, build := range map[string]func(g *guest){
		"write only":         func(g *guest) { g.desc(1, 0, desc{0x2000, 100, descWrite, 0}) },
		"circle":             func(g *guest) { g.desc(1, 0, desc{0x2000, 1, descNext, 0}) },
		"circle of two":      func(g *guest) { g.desc(1, 0, desc{0x2000, 0, descNext, 1}); g.desc(1, 1, desc{0x2000, 0, descNext, 0}) },
		"beyond the table":   func(g *guest) { g.desc(1, 0, desc{0x2000, 100, descNext, ringSize}) },
		"outside of memory":  func(g *guest) { g.desc(1, 0, desc{guestSize, 100, 0, 0}) },
		"before memory":      func(g *guest) { g.desc(1, 0, desc{1<<64 - 1, 100, 0, 0}) },
		"across the end":     func(g *guest) { g.desc(1, 0, desc{guestSize - 50, 100, 0, 0}) },
		"wraps around":       func(g *guest) { g.desc(1, 0, desc{1<<64 - guestBase - 50, 100, 0, 0}) },
		"endless":            func(g *guest) { g.desc(1, 0, desc{0x2000, 1<<32 - 1, 0, 0}) },
		"only a header":      func(g *guest) { g.desc(1, 0, desc{0x2000, 12, 0, 0}) },
		"less than a header": func(g *guest) { g.desc(1, 0, desc{0x2000, 3, 0, 0}) },
		"empty":              func(g *guest) { g.desc(1, 0, desc{0x2000, 0, 0, 0}) },
		"too long":           func(g *guest) { g.desc(1, 0, desc{0x2000, packet.MaxTotal + netHeader + 1, 0, 0}) },
		"empty table":        func(g *guest) { g.desc(1, 0, desc{0x8000, 0, descIndirect, 0}) },
		"table of 17 bytes":  func(g *guest) { g.desc(1, 0, desc{0x8000, 17, descIndirect, 0}) },
		"table outside":      func(g *guest) { g.desc(1, 0, desc{guestSize, 16, descIndirect, 0}) },
		"table with next":    func(g *guest) { g.desc(1, 0, desc{0x8000, 16, descIndirect | descNext, 1}) },
		"huge table":         func(g *guest) { g.desc(1, 0, desc{0x2000, 0x10000, descIndirect, 0}) },
		"table in a table": func(g *guest) {
			g.table(0x8000, desc{0x8000, 16, descIndirect, 0})
			g.desc(1, 0, desc{0x8000, 16, descIndirect, 0})
		},
		"next beyond a table": func(g *guest) {
			g.table(0x8000, desc{0x2000, 20, descNext, 1})
			g.desc(1, 0, desc{0x8000, 16, descIndirect, 0})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t)
			g := newGuest(t)
			defer g.close()
			g.start(modern)
			build(g)
			g.desc(1, 9, desc{0x4000, g.frameAt(0x4000, pattern(60, 1)), 0, 0})
			g.offer(1, 0, 9)
			got := w.poll(g.d)
			if len(got) != 1 || !bytes.Equal(got[0], pattern(60, 1)) {
				t.Fatalf("%d frames, want the good one", len(got))
			}
			if n, _ := g.used(1); n != 2 || g.broken != nil || g.d.Dropped() != 1 {
				t.Errorf("used %d, broken %v, dropped %d", n, g.broken, g.d.Dropped())
			}
		})
	}
	t.Run("head beyond the table", func(t *testing.T) {
		w := newBench(t)
		g := newGuest(t)
		defer g.close()
		g.start(modern)
		g.offer(1, ringSize, 65535)
		if n := len(w.poll(g.d)); n != 0 || g.d.Dropped() != 2 {
			t.Errorf("%d frames, %d dropped", n, g.d.Dropped())
		}
	})
	t.Run("indirect without that feature", func(t *testing.T) {
		w := newBench(t)
		g := newGuest(t)
		defer g.close()
		g.start(modern &^ featIndirect)
		g.table(0x8000, desc{0x2000, 100, 0, 0})
		g.desc(1, 0, desc{0x8000, 16, descIndirect, 0})
		g.offer(1, 0)
		if n := len(w.poll(g.d)); n != 0 || g.d.Dropped() != 1 {
			t.Errorf("%d frames, %d dropped", n, g.d.Dropped())
		}
	})
}

// Buffers of all kinds to send into.
func TestChainsToSend(t *testing.T) {
	frame := pattern(3000, 9)
	whole := func(g *guest) []byte { return g.mem[0x2000+12 : 0x2000+12+3000] }
	for name, k := range map[string]struct {
		features uint64
		build    func(g *guest)
		offer    []uint16
		sent     int
		used     []string
		buffers  uint16
	}{
		"one buffer": {modern, func(g *guest) { g.desc(0, 0, desc{0x2000, 4000, descWrite, 0}) }, []uint16{0}, 1, []string{"0:3012"}, 1},
		"merged": {modern, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 1500, descWrite, 0})
			g.desc(0, 1, desc{0x2000 + 1500, 1500, descWrite, 0})
			g.desc(0, 2, desc{0x2000 + 3000, 1500, descWrite, 0})
		}, []uint16{0, 1, 2}, 1, []string{"0:1500", "1:1500", "2:12"}, 3},
		"not mergeable": {modern &^ featMergeable, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 1500, descWrite, 0})
			g.desc(0, 1, desc{0x2000 + 1500, 1500, descWrite, 0})
		}, []uint16{0, 1}, 0, nil, 0},
		"chain": {modern &^ featMergeable, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 12, descWrite | descNext, 1})
			g.desc(0, 1, desc{0x200c, 3000, descWrite, 0})
		}, []uint16{0}, 1, []string{"0:3012"}, 1},
		"not enough": {modern, func(g *guest) { g.desc(0, 0, desc{0x2000, 1500, descWrite, 0}) }, []uint16{0}, 0, nil, 0},
		"read only":  {modern, func(g *guest) { g.desc(0, 0, desc{0x2000, 4000, 0, 0}) }, []uint16{0}, 0, []string{"0:0"}, 0},
		"bad, then good": {modern, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 4000, descWrite | descNext, 200})
			g.desc(0, 1, desc{0x2000, 4000, descWrite, 0})
		}, []uint16{0, 1}, 1, []string{"0:0", "1:3012"}, 1},
		"good, bad, good": {modern, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 1500, descWrite, 0})
			g.desc(0, 1, desc{guestSize, 4000, descWrite, 0})
			g.desc(0, 2, desc{0x2000, 4000, descWrite, 0})
		}, []uint16{0, 1, 2}, 1, []string{"0:0", "1:0", "2:3012"}, 1},
		"empty buffers": {modern, func(g *guest) {
			g.desc(0, 0, desc{0x2000, 0, descWrite, 0})
			g.desc(0, 1, desc{0x2000, 4000, descWrite, 0})
		}, []uint16{0, 1}, 1, []string{"0:0", "1:3012"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t)
			g := newGuest(t)
			defer g.close()
			g.start(k.features)
			k.build(g)
			g.offer(0, k.offer...)
			if n := w.send(g.d, 0, frame); n != k.sent || g.broken != nil {
				t.Fatalf("%d sent, broken %v", n, g.broken)
			}
			n, entry := g.used(0)
			if int(n) != len(k.used) {
				t.Fatalf("%d used, want %v", n, k.used)
			}
			for i, want := range k.used {
				if got := entry(i); got != want {
					t.Errorf("used ring at %d: %s, want %s", i, got, want)
				}
			}
			if k.sent > 0 && !bytes.Equal(whole(g), frame) {
				t.Error("the frame is not what was sent")
			}
			if b := binary.LittleEndian.Uint16(g.mem[0x200a:]); b != k.buffers {
				t.Errorf("header says %d buffers, want %d", b, k.buffers)
			}
		})
	}
}

func TestImpossibleIndexHangsUp(t *testing.T) {
	w := newBench(t)
	for ring := range 2 {
		g := newGuest(t)
		g.start(modern)
		binary.LittleEndian.PutUint16(g.mem[stride*ring+availPart+2:], ringSize+1)
		w.poll(g.d)
		w.send(g.d, 0, pattern(60, 1))
		if g.broken == nil || !strings.Contains(g.broken.Error(), "index 17: is more than 16 ahead of 0") {
			t.Errorf("ring %d: %v", ring, g.broken)
		}
		g.close()
	}
}

// A front end may cut off the file behind its memory at any time.
func TestMemoryThatGoesAway(t *testing.T) {
	w := newBench(t)
	for name, left := range map[string]int64{"rings too": 0, "buffers only": 0x1000} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t)
			defer g.close()
			g.start(modern)
			g.desc(1, 0, desc{0x2000, 312, 0, 0})
			g.desc(0, 0, desc{0x2000, 2000, descWrite, 0})
			g.offer(1, 0, 0)
			g.offer(0, 0, 0)
			if err := unix.Ftruncate(g.fd, left); err != nil {
				t.Fatal(err)
			}
			for _, act := range []func(){
				func() {
					if n := len(w.poll(g.d)); n != 0 {
						t.Errorf("%d frames", n)
					}
				},
				func() {
					if n := w.send(g.d, 0, pattern(60, 1), pattern(60, 2)); n != 0 {
						t.Errorf("%d sent", n)
					}
				},
				func() {
					if left == 0 {
						g.d.WaitFD(0)
					} else {
						w.poll(g.d)
					}
				},
			} {
				g.broken = nil
				act()
				if g.broken == nil || !strings.Contains(g.broken.Error(), "shared memory") {
					t.Errorf("hung up because of %v", g.broken)
				}
			}
			if left == 0 {
				// Starting a ring touches it, too.
				g.must(getVringBase, statePayload(state{0, 0}))
				fd, _ := event()
				defer func() { _ = unix.Close(fd) }()
				if _, err := g.say(setVringKick, numberPayload(0), fd); err == nil || !strings.Contains(err.Error(), "shared memory") {
					t.Errorf("ring without memory: %v", err)
				}
			}
		})
	}
}

// complete is the checksum of RFC 1071 as its text has it.
func complete(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// The driver may leave a checksum unfinished. It is finished here, unless its
// place is nowhere.
func TestChecksumsReceived(t *testing.T) {
	w := newBench(t)
	g := newGuest(t)
	defer g.close()
	g.start(modern)
	frame := pattern(41, 0)
	n := g.frameAt(0x2000, frame)
	g.mem[0x2000] = needsCsum
	g.desc(1, 0, desc{0x2000, n, 0, 0})
	for place, good := range map[[2]uint16]bool{{14, 6}: true, {39, 0}: true, {40, 0}: false, {65535, 65535}: false, {0, 40}: false} {
		binary.LittleEndian.PutUint16(g.mem[0x2006:], place[0])
		binary.LittleEndian.PutUint16(g.mem[0x2008:], place[1])
		g.offer(1, 0)
		want := bytes.Clone(frame)
		if good {
			binary.BigEndian.PutUint16(want[place[0]+place[1]:], complete(frame[place[0]:]))
		}
		if got := w.poll(g.d); len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Errorf("place %v: % x, want % x", place, got, want)
		}
	}
}

// A partial checksum of ours is left to a driver that can finish it.
func TestChecksumsSent(t *testing.T) {
	w := newBench(t)
	for _, k := range []struct {
		features uint64
		from, at int
		carried  bool
	}{
		{modern, 14, 20, true}, {modern &^ featGuestCsum, 14, 20, false}, {modern, 14, 40, false}, {modern, 20, 14, false},
	} {
		g := newGuest(t)
		g.start(k.features)
		g.desc(0, 0, desc{0x2000, 2000, descWrite, 0})
		g.offer(0, 0)
		frame := pattern(41, 0)
		p := w.c.New(frame)
		p.SetFlags(packet.FlagPartialChecksum)
		p.SetChecksumPlace(k.from, k.at)
		if g.d.Send(0, w.c, []packet.Packet{p}) != 1 {
			t.Fatal("not sent")
		}
		want := bytes.Clone(frame)
		if !k.carried && k.from < k.at && k.at+2 <= len(frame) {
			binary.BigEndian.PutUint16(want[k.at:], complete(frame[k.from:]))
		}
		if got := g.mem[0x200c : 0x200c+41]; !bytes.Equal(got, want) {
			t.Errorf("%+v: % x, want % x", k, got, want)
		}
		h := g.mem[0x2000:]
		from, off := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
		if k.carried != (h[0] == needsCsum) || k.carried && (int(from) != k.from || int(from+off) != k.at) {
			t.Errorf("%+v: header % x", k, h[:12])
		}
		g.close()
	}
}
