// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// MaxCapture is the largest capture file that can be read, in bytes: it is
// held in memory.
const MaxCapture = 1 << 30

// Reader reads the packets of a capture file, classic or pcapng. The whole
// file is checked and loaded when it is opened, so that neither a broken file
// nor a slow disk can surprise a worker. Recv belongs to one worker at a time.
//
//	mem: stamp (8 bytes, ns) | length (4) | frame | stamp | ...
type Reader struct {
	path   string
	mem    []byte
	size   int // bytes of mem in use
	frames int
	empty  int // frames without bytes, left out
	loop   bool
	pace   pacer
	at     int
	retry  uint64      // see RetryAfter
	read   sys.Counter // packets handed out
	ended  atomic.Bool
}

// frameHead is what precedes a frame in Reader.mem.
const frameHead = 12

// ReaderOptions say how a file is read.
type ReaderOptions struct {
	// Loop makes the file start again at its end, for ever.
	Loop bool
	Pace Pace
}

// OpenReader loads a file. Errors: what opening it answers, EBUSY if a Writer writes it, EINVAL with
// the place in the file if it is not a whole capture file of Ethernet frames
// of at most packet.MaxTotal bytes.
func OpenReader(path string, o ReaderOptions) (*Reader, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errno.Errorf(errno.EINVAL, "%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if st.Size() > MaxCapture {
		return nil, errno.Errorf(errno.EINVAL, "%s: %d bytes: at most %d can be read", path, st.Size(), MaxCapture)
	}
	if !sys.Lock(f, true) {
		return nil, errno.Errorf(errno.EBUSY, "%s: is being written by a port", path)
	}
	r := &Reader{path: path, loop: o.Loop, pace: pacer{Pace: o.Pace}}
	if err := r.load(f, int(st.Size())); err != nil {
		r.Close()
		return nil, errno.Errorf(errno.EINVAL, "%s: %w", path, err)
	}
	r.ended.Store(r.frames == 0)
	r.retry = exhausted
	return r, nil
}

// load decodes a file of the given size. A frame takes less room in memory
// than in the file.
func (r *Reader) load(f io.Reader, size int) error {
	d, err := openCapture(f)
	if err != nil {
		return err
	}
	if r.mem, err = sys.Map(size); err != nil {
		return err
	}
	for {
		n, err := d.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n > len(r.mem)-r.size-frameHead {
			return fmt.Errorf("offset %d: the file grew while it was read", d.at)
		}
		binary.NativeEndian.PutUint64(r.mem[r.size:], uint64(d.stamp))
		binary.NativeEndian.PutUint32(r.mem[r.size+8:], uint32(n))
		body := r.mem[r.size+frameHead:][:n]
		if err := d.body(body); err != nil {
			return err
		}
		if n == 0 {
			r.empty++
			continue
		}
		r.size += frameHead + n
		r.frames++
		r.pace.see(d.stamp, r.frames)
	}
}

// Close releases the memory. No worker uses the Reader any more.
func (r *Reader) Close() {
	sys.Unmap(r.mem)
	r.mem = nil
}

// Recv appends the next packets of the file that are due, up to limit, to b
// and returns their number.
func (r *Reader) Recv(c *packet.Cache, b *packet.Batch, limit int) int {
	if r.ended.Load() {
		return 0
	}
	now := int64(0)
	paced := r.pace.paced()
	if paced {
		now = r.pace.now(r.stamp())
	}
	r.retry = exhausted
	n := 0
	for limit = min(limit, b.Room()); n < limit; n++ {
		if paced && r.pace.due > now {
			r.retry = uint64(r.pace.due - now)
			break
		}
		frame := r.frame()
		p := c.New(frame)
		if p == 0 {
			break // no buffer: the packet stays for another time
		}
		b.Add(p)
		if !r.advance(len(frame)) {
			n++
			break
		}
	}
	r.read.Add(uint64(n))
	return n
}

// frame returns the next frame, stamp its stamp.
func (r *Reader) frame() []byte {
	n := int(binary.NativeEndian.Uint32(r.mem[r.at+8:]))
	return r.mem[r.at+frameHead:][:n]
}

func (r *Reader) stamp() int64 { return int64(binary.NativeEndian.Uint64(r.mem[r.at:])) }

// advance goes on to the next frame behind one of n bytes and reports whether
// there is one.
func (r *Reader) advance(n int) bool {
	r.at += frameHead + n
	again := r.at >= r.size
	if again {
		if !r.loop {
			r.ended.Store(true)
			return false
		}
		r.at = 0
	}
	r.pace.advance(n, r.stamp(), again)
	return true
}

// Ended reports whether nothing will come any more.
func (r *Reader) Ended() bool { return r.ended.Load() }

// Frames returns the number of packets in the file.
func (r *Reader) Frames() int { return r.frames }

// Note says how far the Reader has come.
func (r *Reader) Note() string {
	n := r.read.Load()
	text := fmt.Sprintf("%s: %d of %d packets", r.path, n, r.frames)
	switch {
	case r.loop:
		text = fmt.Sprintf("%s: %d packets, again and again: %d so far", r.path, r.frames, n)
	case r.ended.Load():
		text = fmt.Sprintf("%s: end of file after %d packets", r.path, n)
	}
	text += r.pace.String()
	if r.empty > 0 {
		text += fmt.Sprintf(" (%d without bytes left out)", r.empty)
	}
	return text
}

// RetryAfter returns in how many nanoseconds an empty Recv is to be repeated:
// 0, never, at the end of the file; when the next packet is due; soon, if the
// pool was exhausted.
func (r *Reader) RetryAfter() uint64 {
	if r.ended.Load() {
		return 0
	}
	return r.retry
}
