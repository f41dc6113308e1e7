// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// A journal's file is named by the namespace's number and the id that the lock
// has, too. Its next version is written beside it.
const (
	journalSuffix = ".json"
	newSuffix     = ".new"
)

// journal is what a process changed on an interface. It is written before
// each change, so that what it says may not have happened: undoing only puts
// back what is as the journal says it was made.
type journal struct {
	path string

	// Boot tells starts of the machine apart: indexes mean nothing after one.
	Boot string `json:"boot"`
	// Process is the one that writes it, as it is numbered where that runs.
	Process   int    `json:"process,omitempty"`
	Namespace uint64 `json:"namespace"`
	// Cookie tells namespaces apart that had the same number one after the
	// other; 0 if the kernel does not know.
	Cookie uint64 `json:"cookie,omitempty"`
	Index  int    `json:"index"`
	Name   string `json:"name"`
	// Create says that the interface itself is to be removed.
	Create  *create                 `json:"create,omitempty"`
	MTU     *edit[int]              `json:"mtu,omitempty"`
	Address *edit[net.HardwareAddr] `json:"address,omitempty"`
	Up      *edit[bool]             `json:"up,omitempty"`
}

// newJournal returns an empty journal about an interface of a namespace, which
// has the number ino, and where the lock has that id.
func newJournal(dir string, ns *netns.Namespace, ino uint64, id, name string) journal {
	return journal{path: filepath.Join(dir, fmt.Sprintf("%d-%s%s", ino, id, journalSuffix)),
		Boot: bootID(), Process: os.Getpid(), Namespace: ino, Cookie: ns.Cookie(), Name: name}
}

// isAbout reports whether the journal is about a namespace that has the number
// it says, and not about one that had it before.
func (j *journal) isAbout(ns *netns.Namespace) bool {
	now := ns.Cookie()
	return j.Boot == bootID() && (j.Cookie == now || j.Cookie == 0 || now == 0)
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// readJournal reads what a process left.
func readJournal(path string) (*journal, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	j := &journal{path: path}
	if err := json.Unmarshal(b, j); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

func (j *journal) empty() bool {
	return j.Create == nil && j.MTU == nil && j.Address == nil && j.Up == nil
}

// write brings the journal to disk as a whole. It is not synced: it must
// survive the process, not the machine.
func (j *journal) write() error {
	if j.empty() {
		j.remove()
		return nil
	}
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	tmp := j.path + newSuffix
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.Rename(tmp, j.path); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *journal) remove() {
	if j.path == "" {
		return
	}
	_ = os.Remove(j.path)
	_ = os.Remove(j.path + newSuffix)
}

// note remembers a change from old to want that i is about to make, for which
// it asked in these fields.
func (j *journal) note(i *Interface, old, want state, asked fields) error {
	if asked.mtu {
		j.MTU = j.MTU.ask(i, old.mtu, want.mtu, equal)
	}
	if asked.mac {
		j.Address = j.Address.ask(i, old.mac, want.mac, slices.Equal)
	}
	if asked.up {
		j.Up = j.Up.ask(i, old.up, want.up, equal)
	}
	return j.write()
}

// undo puts back all that the journal says, removes it, and reports whether
// there was an interface to do that with. One that is gone took its settings
// along.
func (j *journal) undo(kern *netlink.Handle) bool {
	if j.Create != nil {
		done, err := j.delete(kern)
		if err == nil { // otherwise the next start tries again
			j.remove()
		}
		return done
	}
	defer j.remove()
	link, err := kern.LinkByIndex(j.Index)
	if err != nil {
		return false
	}
	want := stateOf(link.Attrs())
	if e := j.MTU; e != nil && want.mtu == e.New {
		want.mtu = e.Old
	}
	if e := j.Address; e != nil && slices.Equal(want.mac, e.New) {
		want.mac = e.Old
	}
	if e := j.Up; e != nil && want.up == e.New {
		want.up = e.Old
	}
	_ = apply(kern, link, want)
	return true
}

// undoBy puts back what was changed for i and nobody else asked for.
func (j *journal) undoBy(i *Interface) {
	mine := *j
	mine.path = "" // the file says what the others changed
	j.MTU, mine.MTU = j.MTU.leave(i, equal)
	j.Address, mine.Address = j.Address.leave(i, slices.Equal)
	j.Up, mine.Up = j.Up.leave(i, equal)
	if !mine.empty() {
		mine.undo(i.kern)
	}
	_ = j.write()
}
