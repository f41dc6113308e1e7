// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package errno gives errors the Linux error number that the control API
// carries in its Error message (spec: api.md section 2). The number is the
// contract with clients; the text is for people.
package errno

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// The codes the control API uses, with their Linux values.
const (
	EPERM     = int(syscall.EPERM)
	ENOENT    = int(syscall.ENOENT)
	ESRCH     = int(syscall.ESRCH)
	EIO       = int(syscall.EIO)
	ENXIO     = int(syscall.ENXIO)
	E2BIG     = int(syscall.E2BIG)
	EAGAIN    = int(syscall.EAGAIN)
	ENOMEM    = int(syscall.ENOMEM)
	EACCES    = int(syscall.EACCES)
	EBUSY     = int(syscall.EBUSY)
	EEXIST    = int(syscall.EEXIST)
	ENODEV    = int(syscall.ENODEV)
	EINVAL    = int(syscall.EINVAL)
	ENOSPC    = int(syscall.ENOSPC)
	ENOSYS    = int(syscall.ENOSYS)
	ENOTSUP   = int(syscall.ENOTSUP)
	ECANCELED = int(syscall.ECANCELED)
)

// Error is an error with a positive errno code.
type Error struct {
	// Code is the Linux error number, never 0.
	Code int
	// Msg is the whole text shown to the client.
	Msg string
	// Err is the cause, or nil.
	Err error
}

// Error returns the text.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an *Error with the given code and text. %w is honoured.
func Errorf(code int, format string, a ...any) *Error {
	err := fmt.Errorf(format, a...)
	return &Error{Code: code, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// Wrap puts a prefix in front of err's text and keeps its code. It returns an
// *Error, or nil for nil.
func Wrap(err error, format string, a ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Code: Code(err), Msg: fmt.Sprintf(format, a...) + ": " + err.Error(), Err: err}
}

// Code returns the errno of err: its own if it is an *Error, the system
// call's if it wraps one, EINVAL for any other error and 0 for nil.
func Code(err error) int {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var se syscall.Errno
	if errors.As(err, &se) && se != 0 {
		return int(se)
	}
	if errors.Is(err, os.ErrNotExist) {
		return ENOENT
	}
	return EINVAL
}

// Text returns the C library's text for a code, for example "Device or
// resource busy". A few answers of the control API consist of just that.
func Text(code int) string {
	text := syscall.Errno(code).Error() // Go's begin in lower case
	return strings.ToUpper(text[:1]) + text[1:]
}
