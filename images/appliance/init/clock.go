// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// tooLate is how long after its build an image believes a clock.
const tooLate = 15 * 365 * 24 * time.Hour

// setClock checks the time, which the kernel took from the hardware's clock.
// A clock before the build is wrong for sure, and certificates would seem not
// yet valid: then the time of the build is the best guess.
func (b *box) setClock() {
	sec, err := strconv.ParseInt(built, 10, 64)
	if err != nil {
		sec = 0
	}
	guess, why := judgeClock(time.Now(), time.Unix(sec, 0))
	if why == "" {
		b.facts.good("clock")
		return
	}
	if !guess.IsZero() {
		tv := unix.NsecToTimeval(guess.UnixNano())
		if err := unix.Settimeofday(&tv); err != nil {
			why += "; it cannot be set: " + err.Error()
		}
	}
	b.facts.bad("clock", "%s", why)
}

// judgeClock says what is wrong with the time now, and what to set it to; zero
// to leave it.
func judgeClock(now, build time.Time) (guess time.Time, why string) {
	const form = "2006-01-02 15:04:05"
	switch {
	case now.Before(build):
		return build, "the hardware's clock says " + now.UTC().Format(form) + ", before this image was built; set to " +
			build.UTC().Format(form) + ": certificates may seem expired or not yet valid"
	case now.After(build.Add(tooLate)):
		return time.Time{}, "the hardware's clock says " + now.UTC().Format(form) +
			", long after this image was built: certificates may seem expired"
	}
	return time.Time{}, ""
}

// entropyFile is handed from one boot to the next.
const entropyFile = dataDir + "/random-seed"

// entropy stirs what the last boot left into the kernel's pool, replaces it
// so that it is never used twice, and waits until the pool is ready.
func (b *box) entropy() {
	if old, err := os.ReadFile(entropyFile); err == nil && b.data != nil {
		_ = os.WriteFile("/dev/urandom", old, 0)
	}
	if _, err := unix.Getrandom(make([]byte, 1), unix.GRND_NONBLOCK); err != nil {
		logf(notice, "waiting for random numbers")
		_, _ = unix.Getrandom(make([]byte, 1), 0)
	}
	b.saveEntropy()
}

func (b *box) saveEntropy() {
	if b.data == nil {
		return
	}
	fresh := make([]byte, 512)
	if n, err := unix.Getrandom(fresh, unix.GRND_NONBLOCK); err == nil && n == len(fresh) {
		_ = writeFile(entropyFile, fresh, 0o600)
	}
}
