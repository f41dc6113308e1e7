// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Rotate says when a Writer begins a new file: before the first packet that
// finds one of the limits reached. 0 is no limit. The files are numbered:
// "x.pcap" becomes x-000001.pcap, x-000002.pcap and so on, after those that
// exist.
type Rotate struct {
	Bytes   uint64
	Packets uint64
	Period  time.Duration
	// Keep is how many files stay; older ones are removed. 0: all.
	Keep int
}

func (r Rotate) enabled() bool { return r.Bytes > 0 || r.Packets > 0 || r.Period > 0 }

// rotator has the next file ready when it is needed, so that the worker never
// waits for a file to be opened. A goroutine does all that takes time.
//
//	.x.pcap.next --- next ---> worker writes it --- old ---> closed
//	    named x-000007.pcap after the worker has turned to it
type rotator struct {
	Rotate
	path string
	head []byte
	next atomic.Pointer[output] // ready to be written
	old  atomic.Pointer[output] // to be closed
	now  atomic.Pointer[output] // to be named
	kick chan struct{}
	stop chan struct{}
	over chan struct{} // nil until start
	done atomic.Uint64 // files that are complete
	fail atomic.Pointer[string]
}

// afterFailure is when to try again to get a file ready.
const afterFailure = 200 * time.Millisecond

func newRotator(path string, r Rotate) *rotator {
	return &rotator{Rotate: r, path: path, kick: make(chan struct{}, 1), stop: make(chan struct{})}
}

// spare returns the name of the file that is next. Its lock keeps others from
// writing files of the same names.
func (r *rotator) spare() string {
	dir, base := filepath.Split(r.path)
	return dir + "." + base + ".next"
}

// rescue gives the spare file a name if there are packets in it: its Writer
// was killed before it could. Then it returns another spare file.
func (r *rotator) rescue(out *output, head []byte) (*output, error) {
	st, err := out.f.Stat()
	if err != nil || st.Size() <= int64(len(head)) {
		return out, err
	}
	if err := r.name(out); err != nil {
		return out, err
	}
	next, err := openOutput(r.spare())
	if err != nil {
		return out, err
	}
	out.created = false
	out.close()
	return next, nil
}

// start names the first file and begins to prepare the next one.
func (r *rotator) start(first *output, head []byte) error {
	r.head = head
	if err := r.name(first); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	r.over = make(chan struct{})
	go r.run()
	return nil
}

// close ends the goroutine. The file being written has its name then, and no
// spare one is left.
func (r *rotator) close() {
	if r.over != nil {
		close(r.stop)
		<-r.over
		_ = r.finish() // if it has no name it gets one from the next Writer
	}
	if next := r.next.Load(); next != nil {
		next.at = 0 // nothing is in it
		next.created = true
		next.close()
	}
}

// due reports whether the file out, with so many more packets and bytes that
// are not written yet, is full.
func (r *rotator) due(out *output, packets, bytes int, now time.Time) bool {
	have := out.packets + uint64(packets)
	return have > 0 && (r.Packets > 0 && have >= r.Packets ||
		r.Bytes > 0 && uint64(out.at)+uint64(bytes) > r.Bytes ||
		r.Period > 0 && out.packets > 0 && now.Sub(out.since) >= r.Period)
}

// take returns the file to go on with after out, nil if none is ready. Worker.
func (r *rotator) take(out *output) *output {
	next := r.next.Swap(nil)
	if next != nil {
		r.old.Store(out)
		r.now.Store(next)
	}
	select {
	case r.kick <- struct{}{}:
	default:
	}
	return next
}

func (r *rotator) run() {
	defer close(r.over)
	for {
		select {
		case <-r.stop:
			return
		case <-r.kick:
		}
		err := r.finish()
		if err == nil && r.next.Load() == nil {
			err = r.prepare()
		}
		if err == nil {
			r.fail.Store(nil)
			continue
		}
		text := err.Error()
		r.fail.Store(&text)
		select {
		case <-r.stop:
			return
		case <-time.After(afterFailure):
		}
	}
}

// finish closes the file that is full and names the one after it.
func (r *rotator) finish() error {
	if old := r.old.Swap(nil); old != nil {
		old.close()
		r.done.Add(1)
	}
	if now := r.now.Load(); now != nil {
		if err := r.name(now); err != nil {
			return err
		}
		r.now.Store(nil)
	}
	return nil
}

// prepare opens the next file.
func (r *rotator) prepare() error {
	next, err := openOutput(r.spare())
	if err != nil {
		return err
	}
	if err := next.start(r.head); err != nil {
		next.at, next.created = 0, true
		next.close()
		return err
	}
	r.next.Store(next)
	return nil
}

// name gives a file that was the next one the number after those there are,
// and removes the oldest.
func (r *rotator) name(out *output) error {
	numbers, err := r.numbers()
	if err != nil {
		return err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	path := r.numbered(n)
	err = unix.Renameat2(unix.AT_FDCWD, out.name(), unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = os.Rename(out.name(), path) // a file system that cannot do better
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out.path.Store(&path)
	for i := 0; r.Keep > 0 && i <= len(numbers)-r.Keep; i++ {
		_ = os.Remove(r.numbered(numbers[i]))
	}
	return nil
}

// numbered returns the name of file n.
func (r *rotator) numbered(n int) string {
	ext := filepath.Ext(r.path)
	return fmt.Sprintf("%s-%06d%s", strings.TrimSuffix(r.path, ext), n, ext)
}

// numbers returns the numbers of the files there are, in ascending order.
func (r *rotator) numbers() ([]int, error) {
	dir, base := filepath.Split(r.path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	ext := filepath.Ext(base)
	var list []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), strings.TrimSuffix(base, ext)+"-")
		digits, ok2 := strings.CutSuffix(digits, ext)
		if n, err := strconv.Atoi(digits); ok && ok2 && len(digits) >= 6 && err == nil && n > 0 && e.Type().IsRegular() {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// note says which file is being written, and what stands against the next.
func (r *rotator) note(out *output) string {
	text := fmt.Sprintf(", %d files complete, now %s", r.done.Load(), out.name())
	if why := r.fail.Load(); why != nil {
		text += ", no new file: " + *why
	}
	return text
}
