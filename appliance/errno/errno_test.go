// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package errno

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestCode(t *testing.T) {
	own := Errorf(ENOSPC, "table is full")
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"none":                      {nil, 0},
		"own":                       {own, ENOSPC},
		"own, wrapped":              {fmt.Errorf("rule 3: %w", own), ENOSPC},
		"system call":               {syscall.EBUSY, EBUSY},
		"system call, wrapped":      {&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, EACCES},
		"system call without error": {syscall.Errno(0), EINVAL},
		"no file":                   {fmt.Errorf("image: %w", fs.ErrNotExist), ENOENT},
		"other":                     {errors.New("no number"), EINVAL},
		"own around a system call":  {Errorf(ENODEV, "port: %w", syscall.EIO), ENODEV},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestErrorfKeepsTheCause(t *testing.T) {
	err := Errorf(ENODEV, "port %q: %w", "p0", syscall.EIO)
	if err.Error() != `port "p0": input/output error` || !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
}

func TestWrap(t *testing.T) {
	cause := Errorf(EEXIST, "gate 3 is taken")
	err := Wrap(fmt.Errorf("link: %w", cause), "rule %d", 7)
	if err.Error() != "rule 7: link: gate 3 is taken" || Code(err) != EEXIST || !errors.Is(err, cause) {
		t.Errorf("%v, code %d", err, Code(err))
	}
	var e *Error
	if !errors.As(err, &e) || e.Code != EEXIST {
		t.Errorf("%#v", err)
	}
}

// What went well stays so, also as an error that is compared with nil.
func TestWrapOfNothingIsNothing(t *testing.T) {
	if err := Wrap(nil, "rule %d", 7); err != nil {
		t.Errorf("%#v", err)
	}
}
