// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// Recovery is what came of Recover: of which interfaces, and what on them.
type Recovery struct {
	Undone []string
	Left   []Left // not undone
}

// Left is what a process that is gone left on an interface and what stays,
// because another one has the interface, or something went wrong.
type Left struct {
	What string
	Why  error
}

// Recover undoes what processes that are gone left changed on interfaces,
// according to the journals in a state directory, and says for which. What a
// living process has changed and uses is not touched. A directory that does not
// exist is an empty one.
func Recover(dir string) (r Recovery, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+journalSuffix+"*"))
	if err != nil {
		return r, err
	}
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, newSuffix) // a process may have died over its first version
	}
	for _, path := range slices.Compact(paths) {
		switch what, err := recoverFrom(path); {
		case err != nil:
			r.Left = append(r.Left, Left{what, err})
		case what != "":
			r.Undone = append(r.Undone, what)
		}
	}
	return r, nil
}

// recoverFrom undoes a journal in the namespace it is about unless its process
// lives, and says for which interface; "" if there was nothing left to undo.
func recoverFrom(path string) (what string, err error) {
	file := journal{path: path}
	number, id, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), journalSuffix), "-")
	ino, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		file.remove() // nobody can tell what it is about
		return "", nil
	}
	ns := findNamespace(ino)
	if ns == nil {
		// The namespace is gone, and everything in it, or its processes cannot
		// be seen from here.
		if j, err := readJournal(path); !errors.Is(err, os.ErrNotExist) && (err != nil || j.Boot != bootID()) {
			file.remove()
		}
		return "", nil
	}
	defer ns.Close()
	l, err := acquire(ns, id)
	if err != nil {
		return heldBack(path, ns, err)
	}
	defer l.release()
	j, err := readJournal(path)
	if err != nil || !j.isAbout(ns) {
		file.remove() // nobody can tell what it meant to say, or it is outdated
		return "", nil
	}
	kern, err := ns.Netlink()
	if err != nil {
		return j.String(), err
	}
	defer kern.Close()
	if !j.undo(kern) {
		return "", nil
	}
	return j.String(), nil
}

// heldBack judges why a lock was not to be had: "" if it belongs to the process
// that writes the journal, else what stays on the interface and why.
func heldBack(path string, ns *netns.Namespace, why error) (what string, err error) {
	j, err := readJournal(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !j.isAbout(ns) {
		return "", nil // removed meanwhile, or outdated
	}
	if err != nil {
		return path, why
	}
	var h *holder
	if errors.As(why, &h) && (h.pid == int32(j.Process) || h.pid == 0 && h.ports != "") {
		return "", nil // in another container processes have other numbers
	}
	return j.String(), why
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
