// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

func TestAnswers(t *testing.T) {
	testenv.NoLeaks(t)
	g := newGuest(t)
	defer g.close()
	for kind, want := range map[request]uint64{
		getFeatures: offered, getProtocol: protoMQ | protoAck | protoMemSlots, getQueueNum: 1, getMemSlots: maxRegions,
	} {
		b, err := g.say(kind, nil)
		if err != nil || len(b) != 8 || binary.NativeEndian.Uint64(b) != want {
			t.Errorf("%s: % x %v, want %#x", kind, b, err, want)
		}
	}
	g.start(modern)
	w := newBench(t)
	g.desc(1, 0, desc{0x2000, g.frameAt(0x2000, pattern(60, 1)), 0, 0})
	g.offer(1, 0, 0, 0)
	w.poll(g.d)
	b, err := g.say(getVringBase, statePayload(state{1, 0}))
	if err != nil || binary.NativeEndian.Uint32(b) != 1 || binary.NativeEndian.Uint32(b[4:]) != 3 {
		t.Errorf("base after three frames: % x %v", b, err)
	}
	g.offer(1, 0)
	if len(w.poll(g.d)) != 0 {
		t.Error("a stopped ring was served")
	}
	fd, _ := event()
	defer func() { _ = unix.Close(fd) }()
	g.must(setVringKick, numberPayload(1), fd)
	if len(w.poll(g.d)) != 1 {
		t.Error("the ring does not go on where it stopped")
	}
	g.must(setVringState, statePayload(state{1, 0}))
	g.offer(1, 0)
	if len(w.poll(g.d)) != 0 {
		t.Error("a disabled ring was served")
	}
	g.must(setVringState, statePayload(state{1, 1}))
	if len(w.poll(g.d)) != 1 {
		t.Error("the ring does not go on when enabled")
	}
}

// Memory may be exchanged, added to and removed while rings are in use.
func TestMemoryChanges(t *testing.T) {
	testenv.NoLeaks(t)
	w := newBench(t)
	g := newGuest(t)
	defer g.close()
	g.start(modern)
	one := func(at uint64, want int) {
		t.Helper()
		g.desc(1, 0, desc{at, 72, 0, 0})
		g.offer(1, 0)
		if n := len(w.poll(g.d)); n != want {
			t.Errorf("%d frames, want %d", n, want)
		}
	}
	one(0x2000, 1)
	g.must(setMemTable, tablePayload(g.region(), place{1 << 40, 0x1000, 1 << 41, 0x3000}), g.fd, g.fd)
	one(0x2000, 1)
	more := place{1 << 30, 0x2000, 1 << 31, 0x4000}
	region := append(numberPayload(0), more.append(nil)...)
	one(more.guest-guestBase, 0)
	g.must(addMemRegion, region, g.fd)
	one(more.guest-guestBase+0x1000, 1)
	g.must(remMemRegion, region)
	one(more.guest-guestBase, 0)
	// A buffer may lie in two regions that follow each other.
	g.must(addMemRegion, append(numberPayload(0), place{guestBase + guestSize, 0x1000, 1 << 31, 0}.append(nil)...), g.fd)
	one(guestSize-30, 1)
	// The memory under a ring cannot go.
	if _, err := g.say(remMemRegion, append(numberPayload(0), g.region().append(nil)...)); err == nil || !strings.Contains(err.Error(), "are in no region") {
		t.Errorf("removing the rings' memory: %v", err)
	}
}

// Files may be as large as a front end likes, and cost nothing; addresses for
// them do.
func TestMemoryIsBounded(t *testing.T) {
	testenv.NoLeaks(t)
	g := newGuest(t)
	defer g.close()
	g.start(modern)
	fd, err := unix.MemfdCreate("large", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	const size = maxMemory / 4
	if err := unix.Ftruncate(fd, 2*maxMemory); err != nil {
		t.Fatal(err)
	}
	add := func(i, size uint64) error {
		_, err := g.say(addMemRegion, append(numberPayload(0), place{i << 42, size, i << 42, 0}.append(nil)...), fd)
		return err
	}
	for i := range uint64(3) {
		if err := add(i+1, size); err != nil {
			t.Fatal(err)
		}
	}
	for size, want := range map[uint64]string{size: "more than 4398046511104 bytes of files", maxMemory + 1: "must have at least 1 and end within"} {
		if err := add(9, size); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// A ring without descriptor is looked at by the clock, as long as there is one.
func TestRingWithoutDescriptor(t *testing.T) {
	testenv.NoLeaks(t)
	w := newBench(t)
	g := newGuest(t)
	defer g.close()
	g.start(modern)
	polled := func(want uint64, when string) {
		t.Helper()
		if have := g.d.RetryAfter(0); have != want {
			t.Errorf("%s: again in %d ns, want %d", when, have, want)
		}
	}
	awake := func() bool {
		p := []unix.PollFd{{Fd: int32(g.d.WaitFD(0)), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return err == nil && n == 1
	}
	polled(0, "with descriptor")
	for range 2 {
		_ = awake() // by the start
		w.poll(g.d)
		if awake() {
			t.Error("awake without reason")
		}
		g.must(setVringKick, numberPayload(1|noFD))
		polled(pollInterval, "without")
		if !awake() {
			t.Error("a worker that sleeps is not told")
		}
		g.frameAt(0x2000, pattern(60, 1))
		g.desc(1, 0, desc{0x2000, 72, 0, 0})
		g.offer(1, 0)
		if n := len(w.poll(g.d)); n != 1 {
			t.Errorf("%d frames", n)
		}
		g.must(getVringBase, statePayload(state{1, 0}))
		polled(0, "stopped")
	}
	g.must(setVringKick, numberPayload(1|noFD))
	g.s.end()
	polled(0, "hung up")
}

func TestBadRequests(t *testing.T) {
	testenv.NoLeaks(t)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	devnull := int(null.Fd())
	g := newGuest(t)
	region, fd := g.region(), g.fd
	defer g.close()
	long := region
	long.size = guestSize + 1
	for name, k := range map[string]struct {
		kind    request
		payload []byte
		fds     []int
		want    string
	}{
		"unknown":                  {99, nil, nil, "is not supported"},
		"log":                      {6, make([]byte, 16), nil, "is not supported"},
		"features not offered":     {setFeatures, numberPayload(1 << 7), nil, "0x80: were not offered"},
		"protocol not offered":     {setProtocol, numberPayload(1 << 1), nil, "0x2: were not offered"},
		"short number":             {setFeatures, []byte{1}, nil, "payload of 1 bytes: must be 8"},
		"ring beyond":              {setVringNum, statePayload(state{2, 64}), nil, "ring 2: there are 2"},
		"ring size 0":              {setVringNum, statePayload(state{0, 0}), nil, "0 is out of range"},
		"ring size 63":             {setVringNum, statePayload(state{0, 63}), nil, "63 is out of range"},
		"ring size 65536":          {setVringNum, statePayload(state{0, 65536}), nil, "65536 is out of range"},
		"base":                     {setVringBase, statePayload(state{0, 65536}), nil, "65536 is out of range"},
		"enable 2":                 {setVringState, statePayload(state{0, 2}), nil, "2 is out of range"},
		"address beyond":           {setVringAddr, addressPayload(ringAddresses(7)), nil, "ring 7: there are 2"},
		"kick without":             {setVringKick, numberPayload(0), nil, "0 descriptors: must be 1"},
		"kick with two":            {setVringKick, numberPayload(0), []int{fd, fd}, "2 descriptors: must be 1"},
		"kick by a file":           {setVringKick, numberPayload(0), []int{devnull}, "is not an eventfd: /dev/null"},
		"call by memory":           {setVringCall, numberPayload(0), []int{fd}, "is not an eventfd"},
		"table without":            {setMemTable, tablePayload(region), nil, "1 regions with 0 descriptors"},
		"table cut off":            {setMemTable, tablePayload(region)[:30], []int{fd}, "1 regions in 30 bytes"},
		"table of a billion":       {setMemTable, statePayload(state{1 << 30, 0}), nil, "1073741824 regions in 8 bytes"},
		"overlap":                  {setMemTable, tablePayload(region, region), []int{fd, fd}, "overlap"},
		"longer than the file":     {setMemTable, tablePayload(long), []int{fd}, "region ends at 131073 of its file, which has 131072 bytes"},
		"no file":                  {setMemTable, tablePayload(region), []int{devnull}, "region ends at 131072 of its file"},
		"empty region":             {setMemTable, tablePayload(place{0, 0, 0, 0}), []int{fd}, "region of 0 bytes"},
		"region wraps around":      {setMemTable, tablePayload(place{1<<64 - 4096, 8192, 0, 0}), []int{fd}, "ends behind the last address"},
		"offset wraps around":      {setMemTable, tablePayload(place{0, 4096, 0, 1<<64 - 4096}), []int{fd}, "at offset 18446744073709547520"},
		"region between two pages": {setMemTable, tablePayload(place{0, 4096, 1, 0}), []int{fd}, "must be at the same place of a page"},
		"remove what is not there": {remMemRegion, append(numberPayload(0), region.append(nil)...), nil, "there is no region"},
	} {
		if _, err := g.say(k.kind, k.payload, k.fds...); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: %v, want …%s…", name, err, k.want)
		}
	}
}

func TestBadRingAddresses(t *testing.T) {
	for want, change := range map[string]func(a *addresses){
		"descriptors: 0x7f0000000008: must be a multiple of 16": func(a *addresses) { a.desc += 8 },
		"available ring: 0x7f0000000101: must be a multiple of": func(a *addresses) { a.avail++ },
		"used ring: 0x7f0000000142: must be a multiple of 4":    func(a *addresses) { a.used += 2 },
		"256 bytes at 0x0: are in no region":                    func(a *addresses) { a.desc = 0 },
		"134 bytes at 0x7f000001fffc: are in no region":         func(a *addresses) { a.used = userBase + guestSize - 4 },
	} {
		g := newGuest(t)
		g.start(modern)
		a := ringAddresses(0)
		change(&a)
		if _, err := g.say(setVringAddr, addressPayload(a)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
		g.close()
	}
}

// talk connects to a device and sends bytes.
func talk(t *testing.T, b *Back, data []byte) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: b.peer.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBadBytesOnTheSocket(t *testing.T) {
	testenv.NoLeaks(t)
	b, err := OpenBack(Options{Path: t.TempDir() + "/s", Queues: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	wrong := message{kind: getFeatures, flags: 2}
	big := message{kind: getFeatures, flags: version, payload: make([]byte, maxPayload+1)}
	for want, data := range map[string][]byte{
		"GET_FEATURES: version 2 of the protocol: must be 1":      wrong.header(),
		"GET_FEATURES: payload of 265 bytes: must be at most 264": big.header(),
		"version 0 of the protocol":                               make([]byte, 100),
		"version 3 of the protocol: must be 1":                    []byte("GET / HTTP/1.1\r\n"),
	} {
		c := talk(t, b, data)
		testenv.Eventually(t, want, func() bool { return strings.Contains(strings.Join(b.Notes(), "; "), want) })
		_ = c.Close()
	}
	// A request that fails is answered if that was agreed on.
	m := []message{{kind: setProtocol, flags: version, payload: numberPayload(protoAck)}, {kind: setVringNum, flags: version | flagAck, payload: statePayload(state{9, 9})}}
	c := talk(t, b, append(append(m[0].header(), m[0].payload...), append(m[1].header(), m[1].payload...)...))
	defer func() { _ = c.Close() }()
	answer, err := readMessage(c, impatience)
	if err != nil || answer.kind != setVringNum || answer.flags != version|flagReply || binary.NativeEndian.Uint64(answer.payload) != 1 {
		t.Fatal(answer, err)
	}
	if _, err := readMessage(c, impatience); err == nil {
		t.Error("the connection goes on")
	}
}
