// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// writeSize is the most that is written at once: any one record fits.
const writeSize = 128 << 10

// WriterOptions say what a capture file is like.
type WriterOptions struct {
	// Ng writes pcapng with stamps in nanoseconds instead of the classic
	// format with microseconds.
	Ng bool
	// Snap is how many bytes of a packet are kept, 0: 65535, which is also
	// the most.
	Snap int
	// Rotate begins a new file now and then.
	Rotate Rotate
}

// Writer writes packets to a capture file. The file is complete after every
// Send; nothing is kept back. If it cannot be written, for example because the
// disk is full, it ends with the last whole packet, and writing goes on as
// soon as there is room again. Send belongs to one worker at a time.
type Writer struct {
	path    string
	format  recorder
	out     atomic.Pointer[output] // stored by the worker
	rot     *rotator               // nil if there is only one file
	buf     []byte                 // records not written yet
	written sys.Counter
	failed  sys.Counter   // packets
	why     atomic.Uint32 // errno of the last failure
}

// OpenWriter opens or creates the file for one user alone, but leaves what is
// in it until Start. Errors: see openOutput.
func OpenWriter(path string, o WriterOptions) (*Writer, error) {
	w := &Writer{path: path, format: recorder{ng: o.Ng, snap: snapLength}}
	if o.Snap > 0 {
		w.format.snap = min(o.Snap, snapLength)
	}
	file := path
	if o.Rotate.enabled() {
		w.rot = newRotator(path, o.Rotate)
		file = w.rot.spare()
	}
	out, err := openOutput(file)
	if err != nil {
		return nil, err
	}
	w.out.Store(out)
	return w, nil
}

// Start makes the file empty and writes its head.
func (w *Writer) Start() (err error) {
	if w.buf, err = sys.Map(writeSize); err != nil {
		return err
	}
	head := make([]byte, 64)
	head = head[:w.format.head(head)]
	if w.rot == nil {
		return w.out.Load().start(head)
	}
	out, err := w.rot.rescue(w.out.Load(), head)
	w.out.Store(out)
	if err != nil {
		return err
	}
	out.created = true // also one that was left: there is nothing in it
	if err := out.start(head); err != nil {
		return err
	}
	if err := w.rot.start(w.out.Load(), head); err != nil {
		w.out.Load().at = 0
		return err
	}
	return nil
}

// Reads reports whether r reads the same file.
func (w *Writer) Reads(r *Reader) bool {
	mine, err := w.out.Load().f.Stat()
	if err != nil {
		return false
	}
	its, err := os.Stat(r.path)
	return err == nil && os.SameFile(mine, its)
}

// Close closes the file. If it was created in vain it is removed again. No
// worker uses the Writer any more.
func (w *Writer) Close() {
	if w.rot != nil {
		w.rot.close()
	}
	w.out.Load().close()
	sys.Unmap(w.buf)
	w.buf = nil
}

// Send writes ps, frees what is in the file and returns how many packets that
// are: all, or the first ones up to a failure.
func (w *Writer) Send(c *packet.Cache, ps []packet.Packet) int {
	now := time.Now()
	done, n := 0, 0 // packets written; bytes in buf
	for i, p := range ps {
		full := w.rot != nil && w.rot.due(w.out.Load(), i-done, n+w.format.size(p), now)
		if full || n+recordRoom > len(w.buf) {
			if !w.flush(n, i-done, now) {
				return w.end(c, ps, done)
			}
			done, n = i, 0
		}
		if full {
			w.rotate()
		}
		CompleteFlagged(p)
		n += w.format.put(w.buf[n:], p, now)
	}
	if w.flush(n, len(ps)-done, now) {
		done = len(ps)
	}
	return w.end(c, ps, done)
}

// rotate turns to the next file, if it is ready.
func (w *Writer) rotate() {
	if next := w.rot.take(w.out.Load()); next != nil {
		w.out.Store(next)
	}
}

// flush writes the first n bytes of buf, which hold so many packets, and
// reports whether it could.
func (w *Writer) flush(n, packets int, now time.Time) bool {
	if n == 0 {
		return true
	}
	if e := w.out.Load().write(w.buf[:n], packets, now); e != 0 {
		w.why.Store(uint32(e))
		return false
	}
	return true
}

// end counts and frees the packets that are written.
func (w *Writer) end(c *packet.Cache, ps []packet.Packet, done int) int {
	w.written.Add(uint64(done))
	w.failed.Add(uint64(len(ps) - done))
	c.FreeAll(ps[:done])
	return done
}

// Note says what has been written, and what could not be.
func (w *Writer) Note() string {
	text := fmt.Sprintf("%s: %d packets written", w.path, w.written.Load())
	if n := w.failed.Load(); n > 0 {
		text += fmt.Sprintf(", %d lost: %v", n, syscall.Errno(w.why.Load()))
	}
	if w.rot != nil {
		text += w.rot.note(w.out.Load())
	}
	return text
}
