// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// Error is a call that failed.
type Error struct {
	// Op and Object are what was tried, for example "create module" and "fw".
	// Object is empty where the call has none.
	Op, Object string
	// Code is a Linux error number, never 0: the daemon's, or the one that
	// comes closest to a gRPC status.
	Code int
	// Msg is what the daemon, or the transport, said.
	Msg string
	// Err is the gRPC status behind it, or nil if the daemon answered.
	Err error
}

// Error returns, for example, `create module "fw": errno=17 (EEXIST), Module
// fw exists`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		fmt.Fprintf(&b, " %q", e.Object)
	}
	if e.Err == nil {
		fmt.Fprintf(&b, ": errno=%d (%s)", e.Code, ErrnoName(e.Code))
		if e.Msg != "" {
			b.WriteString(", ")
		}
	} else {
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap returns the gRPC status, or nil.
func (e *Error) Unwrap() error { return e.Err }

// inBandError turns the error inside a response into an *Error. Absent and
// code 0 both mean success; a few answers of the original daemon carry the
// negated number.
func inBandError(op, object string, e *api.Error) error {
	code := int(e.GetCode())
	if code == 0 {
		return nil
	}
	return &Error{Op: op, Object: object, Code: max(code, -code), Msg: e.GetErrmsg()}
}

// names are the Linux error numbers that daemons answer, or that system calls
// behind ports give them.
var names = map[syscall.Errno]string{
	syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.ESRCH: "ESRCH", syscall.EINTR: "EINTR", syscall.EIO: "EIO",
	syscall.ENXIO: "ENXIO", syscall.E2BIG: "E2BIG", syscall.EBADF: "EBADF", syscall.EAGAIN: "EAGAIN", syscall.ENOMEM: "ENOMEM",
	syscall.EACCES: "EACCES", syscall.EFAULT: "EFAULT", syscall.EBUSY: "EBUSY", syscall.EEXIST: "EEXIST", syscall.ENODEV: "ENODEV",
	syscall.ENOTDIR: "ENOTDIR", syscall.EISDIR: "EISDIR", syscall.EINVAL: "EINVAL", syscall.EMFILE: "EMFILE", syscall.EFBIG: "EFBIG",
	syscall.ENOSPC: "ENOSPC", syscall.EROFS: "EROFS", syscall.EPIPE: "EPIPE", syscall.ERANGE: "ERANGE",
	syscall.ENAMETOOLONG: "ENAMETOOLONG", syscall.ENOSYS: "ENOSYS", syscall.ELOOP: "ELOOP", syscall.ENODATA: "ENODATA",
	syscall.EMSGSIZE: "EMSGSIZE", syscall.ENOTSUP: "ENOTSUP", syscall.EADDRINUSE: "EADDRINUSE", syscall.ENETDOWN: "ENETDOWN",
	syscall.ENOBUFS: "ENOBUFS", syscall.ETIMEDOUT: "ETIMEDOUT", syscall.ECONNREFUSED: "ECONNREFUSED", syscall.ECANCELED: "ECANCELED",
}

// ErrnoName returns the name of a Linux error number, "EEXIST" for 17, or
// "unknown error".
func ErrnoName(code int) string {
	if name, ok := names[syscall.Errno(code)]; ok {
		return name
	}
	return "unknown error"
}

// Code returns the error number of err, 0 if it is not an *Error.
func Code(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func is(err error, n syscall.Errno) bool { return Code(err) == int(n) }

// IsNotFound reports whether err says that the object does not exist.
func IsNotFound(err error) bool { return is(err, syscall.ENOENT) }

// IsExists reports whether err says that the name is taken.
func IsExists(err error) bool {
	if is(err, syscall.EEXIST) {
		return true
	}
	// Traffic classes answer EINVAL, and clients depend on that.
	var e *Error
	return errors.As(err, &e) && e.Code == int(syscall.EINVAL) && strings.HasSuffix(e.Msg, "already exists")
}

// IsBusy reports whether err says that something else uses the object.
func IsBusy(err error) bool { return is(err, syscall.EBUSY) }

// IsUnimplemented reports whether the daemon does not have the call, as the
// original BESS, which has no Pipelines service.
func IsUnimplemented(err error) bool { return grpcCode(err) == codes.Unimplemented }

// IsUnreachable reports whether the daemon could not be reached, or was lost
// before it answered.
func IsUnreachable(err error) bool {
	switch grpcCode(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	}
	return false
}

// grpcCode returns the status behind an *Error; OK if there is none.
func grpcCode(err error) codes.Code {
	var e *Error
	if !errors.As(err, &e) || e.Err == nil {
		return codes.OK
	}
	return status.Code(e.Err)
}

// nearest maps the statuses that our daemon uses to error numbers.
var nearest = map[codes.Code]syscall.Errno{
	codes.InvalidArgument:    syscall.EINVAL,
	codes.NotFound:           syscall.ENOENT,
	codes.AlreadyExists:      syscall.EEXIST,
	codes.FailedPrecondition: syscall.EBUSY,
	codes.Aborted:            syscall.EAGAIN,
	codes.ResourceExhausted:  syscall.ENOMEM,
	codes.PermissionDenied:   syscall.EPERM,
	codes.Unauthenticated:    syscall.EACCES,
	codes.Unimplemented:      syscall.ENOSYS,
	codes.Unavailable:        syscall.ECONNREFUSED,
	codes.DeadlineExceeded:   syscall.ETIMEDOUT,
	codes.Canceled:           syscall.ECANCELED,
}

// transportError turns a gRPC error into an Error. If the daemon is not there
// the text says where it was looked for and what to check.
func (c *Client) transportError(op, object string, err error) error {
	s := status.Convert(err)
	code, ok := nearest[s.Code()]
	if !ok {
		code = syscall.EIO
	}
	e := &Error{Op: op, Object: object, Code: int(code), Msg: s.Message(), Err: err}
	why := ""
	if c.link != nil {
		why = c.link.reason()
	}
	switch s.Code() {
	case codes.Unavailable, codes.DeadlineExceeded:
		if why != "" {
			e.Msg = fmt.Sprintf("no connection to the daemon at %s: %s", c.address, why)
			return e
		}
	}
	switch s.Code() {
	case codes.Unavailable:
		e.Msg = fmt.Sprintf("no daemon answers at %s (%s); %s", c.address, s.Message(), c.advice())
	case codes.DeadlineExceeded:
		e.Msg = fmt.Sprintf("the daemon at %s did not answer in time; %s", c.address, c.advice())
	case codes.Unimplemented:
		e.Msg = fmt.Sprintf("the daemon at %s does not have this call (%s)", c.address, s.Message())
	}
	return e
}

// advice says what to check when the daemon is not there.
func (c *Client) advice() string {
	if path, ok := strings.CutPrefix(c.address, "unix:"); ok {
		return fmt.Sprintf("is bessd running with this socket, and may this user write to %s?", path)
	}
	return "is bessd running there, is the address right, and does no firewall drop the port?"
}
