// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"os"
	"testing"
	"time"
)

// reason is why a test cannot run on this machine.
type reason string

const (
	noTerraform reason = "needs terraform on PATH"
	noTime      reason = "takes long, and -short was given"
	noNetns     reason = "needs root and network namespaces"
	noTun       reason = "needs /dev/net/tun"
	noProgram   reason = "needs ip, ping, curl, tcpdump and iperf3"
)

// skip ends the test as skipped; with CI=true that is a failure, because what
// nobody runs there, nobody runs at all.
func skip(t testing.TB, why reason) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s; with CI=true no test may be skipped", why)
	}
	t.Skip(string(why))
}

// patience is how long something that must happen may take on a busy machine.
const patience = time.Minute

// Eventually waits until ok returns true, and fails the test with what if
// that takes too long.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
