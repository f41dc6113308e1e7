// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package testenv says what a test needs from the machine it runs on: the
// rights of root, network namespaces, virtual Ethernet pairs.
//
// A test whose need is not met is skipped with a typed reason. With CI=true in
// the environment that is a failure instead: what nobody runs there, nobody
// runs at all. Call Main from TestMain to have the skips of a package listed
// when it ends.
package testenv

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Reason is why a test cannot run on this machine.
type Reason string

// The reasons known.
const (
	// NoRoot: raw sockets, interfaces and namespaces need user id 0.
	NoRoot Reason = "needs root"
	// NoNetns: the kernel or the container refuses new network namespaces.
	NoNetns Reason = "needs network namespaces"
	// NoVeth: the kernel has no virtual Ethernet pairs.
	NoVeth Reason = "needs veth interfaces"
	// NoTun: there is no usable /dev/net/tun.
	NoTun Reason = "needs /dev/net/tun"
	// NoProgram: a program that the test starts is not installed.
	NoProgram Reason = "needs a program"
	// NoKernel: the kernel lacks something else.
	NoKernel Reason = "needs a kernel feature"
)

var (
	mu    sync.Mutex
	skips = map[Reason][]string{} // names of skipped tests, guarded by mu
)

// Skip ends the test as skipped, or as failed with CI=true. detail may name
// what exactly is missing; it may be empty.
func Skip(t testing.TB, why Reason, detail string) {
	t.Helper()
	text := string(why)
	if detail != "" {
		text += ": " + detail
	}
	if inCI() {
		t.Fatalf("%s; with CI=true no test may be skipped", text)
	}
	mu.Lock()
	skips[why] = append(skips[why], t.Name())
	mu.Unlock()
	t.Skip(text)
}

func inCI() bool { return os.Getenv("CI") == "true" }

// NeedRoot skips the test unless it runs with user id 0.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, NoRoot, "")
	}
}

// NeedFile skips the test for the given reason unless path exists.
func NeedFile(t testing.TB, why Reason, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		Skip(t, why, err.Error())
	}
}

// Main runs the tests of a package, lists those that were skipped for the
// machine's sake and ends the process. Use it as the body of TestMain.
func Main(m *testing.M) {
	code := m.Run()
	fmt.Fprint(os.Stderr, Summary())
	os.Exit(code)
}

// Summary returns one line per reason with the tests it cost, in the order of
// the reasons' texts; "" if none was skipped.
func Summary() string {
	mu.Lock()
	defer mu.Unlock()
	var b strings.Builder
	reasons := make([]Reason, 0, len(skips))
	for r := range skips {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		fmt.Fprintf(&b, "skipped, %s: %d: %s\n", r, len(skips[r]), strings.Join(skips[r], ", "))
	}
	return b.String()
}

// Eventually waits until ok returns true, and fails the test with what if
// that takes longer than a minute.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(200 * time.Microsecond)
	}
}
