// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

func TestInBandError(t *testing.T) {
	for _, ok := range []*api.Error{nil, {}, {Errmsg: "all is well"}} {
		if err := inBandError("get version", "", ok); err != nil {
			t.Errorf("%v: got %v, want success", ok, err)
		}
	}
	err := inBandError("create module", "fw", &api.Error{Code: 17, Errmsg: "Module fw exists"})
	want := `create module "fw": errno=17 (EEXIST), Module fw exists`
	if err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if !IsExists(err) || IsNotFound(err) || Code(err) != 17 {
		t.Errorf("%v: wrong kind", err)
	}
	if err := inBandError("connect", "a:0->0:b", &api.Error{Code: 16}); err.Error() != `connect "a:0->0:b": errno=16 (EBUSY)` {
		t.Errorf("without a text: %q", err)
	}
}

// Two classes and the FIFO hooks of the original daemon answer -errno.
func TestNegativeCode(t *testing.T) {
	if got := Code(inBandError("create module", "lb", &api.Error{Code: -22})); got != 22 {
		t.Errorf("got %d, want 22", got)
	}
}

func TestKinds(t *testing.T) {
	wrap := func(code int32, msg string) error {
		return fmt.Errorf("while testing: %w", inBandError("x", "", &api.Error{Code: code, Errmsg: msg}))
	}
	for _, c := range []struct {
		err                    error
		notFound, exists, busy bool
	}{
		{wrap(2, ""), true, false, false},
		{wrap(17, ""), false, true, false},
		{wrap(16, ""), false, false, true},
		{wrap(22, "Name 'fast' already exists"), false, true, false},
		{wrap(22, "Invalid resource"), false, false, false},
		{errors.New("something else"), false, false, false},
		{nil, false, false, false},
	} {
		if IsNotFound(c.err) != c.notFound || IsExists(c.err) != c.exists || IsBusy(c.err) != c.busy {
			t.Errorf("%v: notFound %v, exists %v, busy %v", c.err, IsNotFound(c.err), IsExists(c.err), IsBusy(c.err))
		}
		if IsUnreachable(c.err) || IsUnimplemented(c.err) {
			t.Errorf("%v: not a transport error", c.err)
		}
	}
}

func TestStatusBecomesErrno(t *testing.T) {
	c := &Client{address: "127.0.0.1:10514"}
	for code, want := range map[codes.Code]int{
		codes.NotFound: 2, codes.AlreadyExists: 17, codes.InvalidArgument: 22,
		codes.FailedPrecondition: 16, codes.Aborted: 11, codes.Internal: 5,
	} {
		err := c.transportError("delete traffic class", "fast", status.Error(code, "why"))
		if Code(err) != want {
			t.Errorf("%v: errno %d, want %d", code, Code(err), want)
		}
		if err.Error() != `delete traffic class "fast": why` {
			t.Errorf("%v: text %q", code, err)
		}
		if status.Code(errors.Unwrap(err)) != code {
			t.Errorf("%v: the status is lost", code)
		}
	}
}

func TestErrnoName(t *testing.T) {
	for code, want := range map[int]string{2: "ENOENT", 16: "EBUSY", 95: "ENOTSUP", 99999: "unknown error"} {
		if got := ErrnoName(code); got != want {
			t.Errorf("ErrnoName(%d) = %q, want %q", code, got, want)
		}
	}
}
