// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package l2forward

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// parse reads an address; name is its place in the argument.
func parse(name, text string) (uint64, error) {
	a, err := header.ParseMAC(text)
	if err != nil {
		return 0, errno.Wrap(err, "%s", name)
	}
	return a.Uint64(), nil
}

// parseAll reads a list of addresses.
func parseAll(texts []string) ([]uint64, error) {
	list := make([]uint64, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = parse(fmt.Sprintf("addrs[%d]", i), text); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (m *L2Forward) add(arg *L2ForwardCommandAddArg) error {
	entries := arg.GetEntries()
	addrs := make([]uint64, len(entries))
	seen := make(map[uint64]bool, len(entries))
	for i, e := range entries {
		at := fmt.Sprintf("entries[%d]", i)
		a, err := parse(at+".addr", e.GetAddr())
		if err != nil {
			return err
		}
		if err := module.CheckGate(at+".gate", e.GetGate()); err != nil {
			return err
		}
		if seen[a] || m.table.View().Lookup(a) >= 0 {
			return errno.Errorf(errno.EEXIST, "%s.addr: MAC address '%s' already exist", at, e.GetAddr())
		}
		addrs[i], seen[a] = a, true
	}
	if err := m.checkRoom(len(addrs)); err != nil {
		return err
	}
	for i, a := range addrs {
		if err := m.table.Set(a, int(entries[i].GetGate())); err != nil {
			m.remove(addrs[:i])
			return err
		}
	}
	return nil
}

// checkRoom reports with ENOMEM that n more addresses do not fit.
func (m *L2Forward) checkRoom(n int) error {
	if room := m.table.Limit() - m.table.Len(); n > room {
		return errno.Errorf(errno.ENOMEM, "Not enough space for %d addresses: %d of %d (size * bucket) are used", n, m.table.Len(), m.table.Limit())
	}
	return nil
}

func (m *L2Forward) remove(addrs []uint64) {
	for _, a := range addrs {
		m.table.Delete(a)
	}
}

func (m *L2Forward) delete(arg *L2ForwardCommandDeleteArg) error {
	addrs, err := parseAll(arg.GetAddrs())
	if err != nil {
		return err
	}
	if err := m.checkKnown(addrs, arg.GetAddrs()); err != nil {
		return err
	}
	m.remove(addrs)
	return nil
}

// checkKnown reports the first address that is not in the table.
func (m *L2Forward) checkKnown(addrs []uint64, texts []string) error {
	for i, a := range addrs {
		if m.table.View().Lookup(a) < 0 {
			return errno.Errorf(errno.ENOENT, "addrs[%d]: MAC address '%s' does not exist", i, texts[i])
		}
	}
	return nil
}

func (m *L2Forward) setDefaultGate(arg *L2ForwardCommandSetDefaultGateArg) error {
	if err := module.CheckGate("gate", arg.GetGate()); err != nil {
		return err
	}
	m.defaultGate.Store(uint32(arg.GetGate()))
	return nil
}

func (m *L2Forward) lookup(arg *L2ForwardCommandLookupArg) (*L2ForwardCommandLookupResponse, error) {
	addrs, err := parseAll(arg.GetAddrs())
	if err != nil {
		return nil, err
	}
	if err := m.checkKnown(addrs, arg.GetAddrs()); err != nil {
		return nil, err
	}
	r := &L2ForwardCommandLookupResponse{}
	for _, a := range addrs {
		r.Gates = append(r.Gates, uint64(m.table.View().Lookup(a)))
	}
	return r, nil
}

// populate gives base+i the gate i modulo gate_count, also where the address is
// known. Addresses are counted as 48-bit numbers and begin again at zero.
func (m *L2Forward) populate(arg *L2ForwardCommandPopulateArg) error {
	base, err := parse("base", arg.GetBase())
	if err != nil {
		return err
	}
	count, gates := arg.GetCount(), arg.GetGateCount()
	if count < 0 {
		return module.Invalid("count", count, "must not be negative")
	}
	if gates < 1 || gates > module.MaxGates {
		return module.Invalid("gate_count", gates, "must be 1..%d", module.MaxGates)
	}
	if count > int64(m.table.Limit()) {
		return errno.Errorf(errno.ENOMEM, "count: %d: Not enough space: the table holds %d addresses (size * bucket)", count, m.table.Limit())
	}
	const addrMask = 1<<48 - 1
	fresh := 0
	for i := range uint64(count) {
		if m.table.View().Lookup((base+i)&addrMask) < 0 {
			fresh++
		}
	}
	if err := m.checkRoom(fresh); err != nil {
		return err
	}
	for i := range uint64(count) {
		if err := m.table.Set((base+i)&addrMask, int(i%uint64(gates))); err != nil {
			return err
		}
	}
	return nil
}
