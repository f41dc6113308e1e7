// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import "github.com/bessform/terraform-provider-bess/appliance/errno"

// Registry checks declarations (section 2) and remembers which size the live
// modules agreed on for each attribute name. The zero value is ready. It is
// used by the control plane only, one call at a time.
type Registry struct {
	agreed map[string]agreement
}

type agreement struct{ size, users int }

// Declare checks a against a module's declarations so far and against those of
// all other modules, and returns the module's declarations with a appended;
// a's index is the last one. On error nothing has changed and declared is
// returned as it was. The codes are ENOSPC for the 17th attribute, EEXIST for
// a name the module already declared, and EINVAL for an empty name, a size
// outside 1..32, an unknown mode, or a size others do not agree with.
func (r *Registry) Declare(declared []Attr, a Attr) ([]Attr, error) {
	if err := r.check(declared, a); err != nil {
		return declared, err
	}
	if r.agreed == nil {
		r.agreed = make(map[string]agreement)
	}
	r.agreed[a.Name] = agreement{a.Size, r.agreed[a.Name].users + 1}
	return append(declared, a), nil
}

func (r *Registry) check(declared []Attr, a Attr) error {
	if len(declared) >= MaxAttrs {
		return errno.Errorf(errno.ENOSPC, "metadata attribute %q: a module has at most %d attributes", a.Name, MaxAttrs)
	}
	if a.Name == "" {
		return errno.Errorf(errno.EINVAL, "metadata attribute: name: must not be empty")
	}
	if a.Size < 1 || a.Size > MaxSize {
		return errno.Errorf(errno.EINVAL, "metadata attribute %q: size: %d: must be 1..%d", a.Name, a.Size, MaxSize)
	}
	if a.Mode > Update {
		return errno.Errorf(errno.EINVAL, "metadata attribute %q: mode: %d: must be read, write or update", a.Name, a.Mode)
	}
	for _, d := range declared {
		if d.Name == a.Name {
			return errno.Errorf(errno.EEXIST, "metadata attribute %q: declared twice by the same module", a.Name)
		}
	}
	if g, ok := r.agreed[a.Name]; ok && g.size != a.Size {
		return errno.Errorf(errno.EINVAL, "metadata attribute %q: size: %d: other modules declared it with %d", a.Name, a.Size, g.size)
	}
	return nil
}

// Release forgets all declarations of a module that goes away. A name nobody
// declares any more may come back with another size.
func (r *Registry) Release(declared []Attr) {
	for _, a := range declared {
		g, ok := r.agreed[a.Name]
		if !ok {
			continue
		}
		if g.users--; g.users <= 0 {
			delete(r.agreed, a.Name)
			continue
		}
		r.agreed[a.Name] = g
	}
}
