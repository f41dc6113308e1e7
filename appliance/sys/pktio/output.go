// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// output is a file that is being written. It belongs to whoever writes.
type output struct {
	path    atomic.Pointer[string]
	f       *os.File
	fd      int
	created bool      // here, so that it is removed if nothing comes of it
	at      int64     // length of the file, 0 before start
	packets uint64    // in it
	since   time.Time // when the first of them came
}

// openOutput opens or creates the file for one user alone, but leaves what is
// in it until start. Errors: EINVAL if it is not a file, what opening it
// answers, EBUSY if another Writer or Reader, of whatever process, has it open.
func openOutput(path string) (*output, error) {
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
	if !sys.Lock(f, false) {
		_ = f.Close() // and leave it to its user
		return nil, errno.Errorf(errno.EBUSY, "%s: is in use by another port", path)
	}
	o := &output{f: f, fd: int(f.Fd()), created: created}
	o.path.Store(&path)
	return o, nil
}

// start makes the file empty and writes its head.
func (o *output) start(head []byte) error {
	st, err := o.f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().IsRegular() {
		if err := o.f.Truncate(0); err != nil {
			return err
		}
	}
	if e := sys.WriteAt(o.fd, head, 0); e != 0 {
		return fmt.Errorf("%s: %w", o.name(), e)
	}
	o.at = int64(len(head))
	return nil
}

// name returns the file's present name.
func (o *output) name() string { return *o.path.Load() }

// write appends b, which holds so many packets. If it cannot, the file is as
// it was before.
func (o *output) write(b []byte, packets int, now time.Time) syscall.Errno {
	if e := sys.WriteAt(o.fd, b, o.at); e != 0 {
		_ = syscall.Ftruncate(o.fd, o.at)
		return e
	}
	if o.packets == 0 {
		o.since = now
	}
	o.at += int64(len(b))
	o.packets += uint64(packets)
	return 0
}

// close closes the file. If it was created in vain it is removed again.
func (o *output) close() {
	if o.created && o.at == 0 {
		_ = os.Remove(o.name())
	}
	_ = o.f.Close()
}
