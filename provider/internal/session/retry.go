// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"
)

const (
	// BusyFor is how long an object may stay in use by something that another
	// resource of the same apply is about to remove.
	BusyFor = 5 * time.Second

	retryFirst = 20 * time.Millisecond
	retryMost  = 500 * time.Millisecond
)

// Retry runs f until it succeeds, fails otherwise than again says, or the time
// is over; then it returns the last error. Terraform deletes and creates in
// parallel what it sees no dependency between, so an object may be in use for a
// moment longer.
func Retry(ctx context.Context, limit time.Duration, again func(error) bool, f func() error) error {
	end := time.Now().Add(limit)
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := f()
		if err == nil || !again(err) || time.Now().Add(wait).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
