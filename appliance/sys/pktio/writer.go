// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

const (
	// snapLength is the longest record of a capture file.
	snapLength = 65535
	// writeSize is the most that is written at once: any one record fits.
	writeSize = 128 << 10
)

// Writer writes packets to a classic capture file with stamps in
// microseconds. The file is complete after every Send; nothing is kept back.
// If it cannot be written, for example because the disk is full, it ends with
// the last whole packet, and writing goes on as soon as there is room again.
// Send belongs to one worker at a time.
type Writer struct {
	path    string
	f       *os.File
	fd      int
	buf     []byte // records not written yet
	at      int64  // length of the file without them, 0 before Start
	created bool   // by OpenWriter
	written sys.Counter
	failed  sys.Counter   // packets
	why     atomic.Uint32 // errno of the last failure
}

// OpenWriter opens or creates the file for one user alone, but leaves what is
// in it until Start. Errors: EINVAL if it is not a file, what opening it
// answers, EBUSY if another Writer or Reader, of whatever process, has it open.
func OpenWriter(path string) (*Writer, error) {
	st, err := os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	if err != nil && !created {
		return nil, err
	}
	// Opening a pipe would wait for its reader.
	if !created && !st.Mode().IsRegular() && st.Mode()&os.ModeCharDevice == 0 {
		return nil, errno.Errorf(errno.EINVAL, "%s: not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	w := &Writer{path: path, f: f, fd: int(f.Fd())}
	if !sys.Lock(f, false) {
		_ = f.Close() // and leave it to its user
		return nil, errno.Errorf(errno.EBUSY, "%s: is in use by another port", path)
	}
	w.created = created
	return w, nil
}

// Start makes the file empty and writes the header.
func (w *Writer) Start() (err error) {
	st, err := w.f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().IsRegular() {
		if err := w.f.Truncate(0); err != nil {
			return err
		}
	}
	if w.buf, err = sys.Map(writeSize); err != nil {
		return err
	}
	head := w.buf[:pcapHeaderSize]
	binary.LittleEndian.PutUint32(head, pcapMicro)
	binary.LittleEndian.PutUint16(head[4:], 2)
	binary.LittleEndian.PutUint16(head[6:], 4)
	binary.LittleEndian.PutUint32(head[16:], snapLength)
	binary.LittleEndian.PutUint32(head[20:], linkEthernet)
	if e := sys.WriteAt(w.fd, head, 0); e != 0 {
		return fmt.Errorf("%s: %w", w.path, e)
	}
	w.at = pcapHeaderSize
	return nil
}

// Reads reports whether r reads the same file.
func (w *Writer) Reads(r *Reader) bool {
	mine, err := w.f.Stat()
	if err != nil {
		return false
	}
	its, err := os.Stat(r.path)
	return err == nil && os.SameFile(mine, its)
}

// Close closes the file. If it was created in vain it is removed again. No
// worker uses the Writer any more.
func (w *Writer) Close() {
	if w.created && w.at == 0 {
		_ = os.Remove(w.path)
	}
	sys.Unmap(w.buf)
	w.buf = nil
	_ = w.f.Close()
}

// Send writes ps, frees what is in the file and returns how many packets that
// are: all, or the first ones up to a failure.
func (w *Writer) Send(c *packet.Cache, ps []packet.Packet) int {
	now := time.Now()
	sec, micro := uint32(now.Unix()), uint32(now.Nanosecond()/1000)
	done, n := 0, 0 // packets written; bytes in buf
	for i, p := range ps {
		if n+pcapRecordSize+snapLength > len(w.buf) {
			if !w.flush(n) {
				return w.end(c, ps, done)
			}
			done, n = i, 0
		}
		CompleteFlagged(p)
		total := p.TotalLen()
		kept := min(total, snapLength)
		h := w.buf[n : n+pcapRecordSize]
		binary.LittleEndian.PutUint32(h, sec)
		binary.LittleEndian.PutUint32(h[4:], micro)
		binary.LittleEndian.PutUint32(h[8:], uint32(kept))
		binary.LittleEndian.PutUint32(h[12:], uint32(total))
		n += pcapRecordSize
		n += p.CopyOut(w.buf[n : n+kept])
	}
	if w.flush(n) {
		done = len(ps)
	}
	return w.end(c, ps, done)
}

// flush writes the first n bytes of buf and reports whether it could. If not,
// the file is as it was before.
func (w *Writer) flush(n int) bool {
	if e := sys.WriteAt(w.fd, w.buf[:n], w.at); e != 0 {
		w.why.Store(uint32(e))
		_ = syscall.Ftruncate(w.fd, w.at)
		return false
	}
	w.at += int64(n)
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
	return text
}
