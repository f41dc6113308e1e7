// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// transfersRig is a list, memory that does not move, and files whose offset
// means nothing or is always the same.
type transfersRig struct {
	*Transfers
	mem        []byte
	data, null int
}

const transfersData = "what is in the file: more than fits"

// bothWays runs a test with io_uring and without.
func bothWays(t *testing.T, test func(*testing.T, *transfersRig)) {
	open := func(t *testing.T) *transfersRig {
		x, err := NewTransfers(8, 12)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(x.Close)
		k := &transfersRig{Transfers: x}
		if k.mem, err = Map(4096); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { Unmap(k.mem) })
		file := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(file, []byte(transfersData), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, fd := range map[string]*int{file: &k.data, "/dev/null": &k.null} {
			var err error
			if *fd, err = syscall.Open(name, syscall.O_RDWR|syscall.O_CLOEXEC, 0); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { CloseFD(*fd) })
		}
		return k
	}
	t.Run("io_uring", func(t *testing.T) {
		k := open(t)
		if err := k.Single(); err != nil {
			testenv.Skip(t, testenv.NoKernel, err.Error())
		}
		test(t, k)
	})
	t.Run("one by one", func(t *testing.T) {
		k := open(t)
		k.Singly(errors.New("not wanted"))
		if k.Single() == nil {
			t.Error("no reason")
		}
		test(t, k)
	})
}

// some begins n transfers, the first of 3 bytes, each of 3 more than the one
// before, in two segments, but for every third.
func (k *transfersRig) some(t *testing.T, n int) {
	t.Helper()
	k.Reset()
	for i := range n {
		b := k.mem[i*256:][:3*i+3]
		ok := k.Begin()
		if i%3 != 2 {
			ok = ok && k.Add(b[:2])
			b = b[2:]
		}
		if !ok || !k.Add(b) {
			t.Fatal("no room")
		}
	}
}

// all compares the results of n transfers.
func (k *transfersRig) all(t *testing.T, n int, want syscall.Errno) {
	t.Helper()
	for i := range n {
		size := 3*i + 3
		if want != 0 {
			size = 0
		}
		if have, err := k.Result(i); have != size || err != want {
			t.Fatalf("transfer %d of %d: %d bytes, %v; want %d, %v", i, n, have, err, size, want)
		}
	}
}

func TestTransfersMoveBytes(t *testing.T) {
	bothWays(t, func(t *testing.T, k *transfersRig) {
		for range 50 { // the queues are used over and over
			for n := range 7 {
				clear(k.mem)
				k.some(t, n)
				k.Read(k.data, false)
				k.all(t, n, 0)
				for i := range n {
					if have, want := string(k.mem[i*256:][:3*i+4]), transfersData[:3*i+3]+"\x00"; have != want {
						t.Fatalf("read %d of %d: %q, want %q", i, n, have, want)
					}
				}
				k.some(t, n)
				k.Write(k.null)
				k.all(t, n, 0)
			}
		}
	})
}

func TestTransfersTellErrors(t *testing.T) {
	bothWays(t, func(t *testing.T, k *transfersRig) {
		k.some(t, 3)
		k.iovs[2].base = 1 << 63 // an address that nothing is at
		k.Write(k.null)
		for i, want := range []syscall.Errno{0, syscall.EFAULT, 0} {
			if _, err := k.Result(i); err != want {
				t.Errorf("write %d: %v, want %v", i, err, want)
			}
		}
		k.some(t, 3)
		k.Read(-1, false)
		k.all(t, 3, syscall.EBADF)
		k.Write(-1)
		k.all(t, 3, syscall.EBADF)
		if !Refused(syscall.EFAULT) || Refused(syscall.EBADF) {
			t.Error("what is a packet's error and what the descriptor's is mixed up")
		}
	})
}

func TestTransfersHaveLimits(t *testing.T) {
	for _, n := range [][2]int{{0, 1}, {3, 1}, {1, 0}, {1, 1025}} {
		if x, err := NewTransfers(n[0], n[1]); err == nil {
			x.Close()
			t.Errorf("a list of %d and %d was made", n[0], n[1])
		}
	}
	bothWays(t, func(t *testing.T, k *transfersRig) {
		for k.Begin() {
		}
		if k.Count() != 8 {
			t.Errorf("room for %d transfers, not 8", k.Count())
		}
		k.Reset()
		k.Begin()
		for k.Add(k.mem[:1]) {
		}
		if k.segs != 12 {
			t.Errorf("room for %d segments, not 12", k.segs)
		}
		k.Undo()
		if k.Count() != 0 || k.segs != 0 {
			t.Errorf("%d transfers and %d segments are left", k.Count(), k.segs)
		}
	})
}

func TestTransfersAllocateNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, k *transfersRig) {
		if n := testing.AllocsPerRun(50, func() {
			k.some(t, 4)
			k.Write(k.null)
			k.Read(k.data, false)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// What is open in the end is what was open before.
func TestTransfersLeaveNothing(t *testing.T) {
	count := func() int {
		l, err := filepath.Glob("/proc/self/fd/*")
		if err != nil || len(l) == 0 {
			t.Fatal(l, err)
		}
		return len(l)
	}
	before := count()
	for range 5 {
		x, err := NewTransfers(64, 128)
		if err != nil {
			t.Fatal(err)
		}
		x.Close()
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}
