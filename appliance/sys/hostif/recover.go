// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// Recover undoes what processes that are gone left changed on interfaces,
// according to the journals in a state directory, and says for which. What a
// living process uses is not touched. A directory that does not exist is an
// empty one.
func Recover(dir string) (undone []string, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+journalSuffix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		// A process may have died over its first version.
		if what := recoverFrom(strings.TrimSuffix(path, newSuffix)); what != "" {
			undone = append(undone, what)
		}
	}
	return undone, nil
}

// recoverFrom undoes a journal in the namespace it is about unless its process
// lives, and says for which interface; "" if there was nothing left to undo.
func recoverFrom(path string) string {
	file := journal{path: path}
	number, id, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), journalSuffix), "-")
	ino, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		file.remove() // nobody can tell what it is about
		return ""
	}
	ns := findNamespace(ino)
	if ns == nil {
		// The namespace is gone, and everything in it, or its processes cannot
		// be seen from here.
		if j, err := readJournal(path); !errors.Is(err, os.ErrNotExist) && (err != nil || j.Boot != bootID()) {
			file.remove()
		}
		return ""
	}
	defer ns.Close()
	l, err := acquire(ns, id)
	if err != nil {
		return "" // somebody lives
	}
	defer l.release()
	j, err := readJournal(path)
	if err != nil || !j.isAbout(ns) {
		file.remove() // nobody can tell what it meant to say, or it is outdated
		return ""
	}
	kern, err := ns.Netlink()
	if err != nil {
		return ""
	}
	defer kern.Close()
	if !j.undo(kern) {
		return ""
	}
	return j.String()
}

// String says what the journal holds, for the log.
func (j *journal) String() string {
	var what []string
	if j.Create != nil {
		what = append(what, "created")
	}
	if e := j.MTU; e != nil {
		what = append(what, fmt.Sprintf("mtu %d -> %d", e.Old, e.New))
	}
	if e := j.Address; e != nil {
		what = append(what, fmt.Sprintf("address %s -> %s", e.Old, e.New))
	}
	if e := j.Up; e != nil {
		what = append(what, fmt.Sprintf("up %t -> %t", e.Old, e.New))
	}
	return j.Name + ": " + strings.Join(what, ", ")
}

// findNamespace opens the network namespace with an inode: the calling
// thread's, one with a name, or that of some process; nil if there is none.
func findNamespace(ino uint64) *netns.Namespace {
	paths := []string{"/proc/thread-self/ns/net"}
	for _, pattern := range []string{"/var/run/netns/*", "/proc/[0-9]*/ns/net"} {
		more, _ := filepath.Glob(pattern)
		paths = append(paths, more...)
	}
	for _, p := range paths {
		var s syscall.Stat_t
		if syscall.Stat(p, &s) != nil || s.Ino != ino {
			continue
		}
		ns, err := netns.Target{Path: p}.Open()
		if err != nil {
			continue
		}
		if now, err := ns.Inode(); err == nil && now == ino {
			return ns
		}
		ns.Close()
	}
	return nil
}
