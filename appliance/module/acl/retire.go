// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Large tables live outside the Go heap, where nobody notices that a worker
// is still reading one. So a table that is no longer in use is freed when
// every worker has been seen outside Process since: a worker makes its epoch
// odd before it takes the list and even when it is done with it, and a list
// is published before the epochs are looked at.

// retired are tables on their way out.
type retired struct {
	tables *tables
	// epochs are the workers' at the time, 0 for those outside Process.
	epochs [module.MaxWorkers]uint64
}

// How often, and after which pause, a change looks whether the tables it
// replaced can be freed. What then is still in use has to wait for the next
// change.
const (
	reapTries = 20
	reapPause = 50 * time.Microsecond
)

// publish replaces the rules.
func (m *ACL) publish(rules []rule) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.list.Load()
	l, err := newList(rules, old)
	if err != nil {
		return err
	}
	m.list.Store(l)
	m.retire(old.tables)
	for i := 0; !m.reap() && i < reapTries; i++ {
		time.Sleep(reapPause)
	}
	return nil
}

// retire notes which workers may be reading tables that were replaced.
func (m *ACL) retire(t *tables) {
	r := retired{tables: t}
	for id := range m.workers {
		if w := m.workers[id].Load(); w != nil {
			if e := w.epoch.Load(); e&1 == 1 {
				r.epochs[id] = e
			}
		}
	}
	m.retired = append(m.retired, r)
}

// reap frees the tables that nobody reads any more and reports whether none
// is left.
func (m *ACL) reap() bool {
	kept := m.retired[:0]
	for i := range m.retired {
		if m.inUse(&m.retired[i]) {
			kept = append(kept, m.retired[i])
			continue
		}
		m.retired[i].tables.release()
	}
	clear(m.retired[len(kept):])
	m.retired = kept
	return len(kept) == 0
}

// inUse reports whether a worker is still where it was.
func (m *ACL) inUse(r *retired) bool {
	for id, e := range r.epochs {
		if e != 0 && m.workers[id].Load().epoch.Load() == e {
			return true
		}
	}
	return false
}

// prepare makes what worker id needs, once.
func (m *ACL) prepare(id int) *worker {
	if w := m.workers[id].Load(); w != nil {
		return w
	}
	m.list.Store(m.list.Load().withWorker(id))
	w := &worker{id: id}
	m.workers[id].Store(w)
	return w
}

// join prepares a worker that was not announced.
func (m *ACL) join(id int) *worker {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.prepare(id & (module.MaxWorkers - 1))
}

// Close frees all tables.
func (m *ACL) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.retired {
		m.retired[i].tables.release()
	}
	m.retired = nil
	m.list.Load().tables.release()
}
