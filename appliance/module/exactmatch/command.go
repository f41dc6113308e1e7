// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exactmatch

import (
	"fmt"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
)

func (m *ExactMatch) add(arg *ExactMatchCommandAddArg) error {
	return m.addTo(m.state.Load().table, "", arg)
}

// addTo adds a rule to a table. name is put before the names of its fields in
// errors.
func (m *ExactMatch) addTo(table *exact.Table, name string, arg *ExactMatchCommandAddArg) error {
	key, value, err := m.parseRule(name, arg)
	if err != nil {
		return err
	}
	if err := table.Set(key, value); err != nil {
		return errno.Wrap(err, "%sfields", name)
	}
	return nil
}

func (m *ExactMatch) delete(arg *ExactMatchCommandDeleteArg) error {
	key, err := m.parseKey("", arg.GetFields())
	if err != nil {
		return err
	}
	if !m.state.Load().table.Delete(key) {
		return errno.Errorf(errno.ENOENT, "fields: rule doesn't exist")
	}
	return nil
}

func (m *ExactMatch) clear(*api.EmptyArg) error {
	return m.state.Load().table.Clear()
}

func (m *ExactMatch) setDefaultGate(arg *ExactMatchCommandSetDefaultGateArg) error {
	if err := module.CheckGate("gate", arg.GetGate()); err != nil {
		return err
	}
	m.state.Store(&state{m.state.Load().table, uint16(arg.GetGate())})
	return nil
}

func (m *ExactMatch) getInitialArg(*api.EmptyArg) (*ExactMatchArg, error) { return m.arg, nil }

func (m *ExactMatch) getRuntimeConfig(*api.EmptyArg) (*ExactMatchConfig, error) {
	s := m.state.Load()
	c := &ExactMatchConfig{DefaultGate: uint64(s.defaultGate)}
	for key, value := range s.table.All() {
		c.Rules = append(c.Rules, m.rule(key, value))
	}
	slices.SortFunc(c.Rules, compareRules)
	return c, nil
}

// setRuntimeConfig builds a table beside the present one, so that packets meet
// the old configuration or the new one, and an error changes nothing.
func (m *ExactMatch) setRuntimeConfig(arg *ExactMatchConfig) error {
	if err := module.CheckGate("default_gate", arg.GetDefaultGate()); err != nil {
		return err
	}
	old := m.state.Load()
	table, err := m.newTable(uint64(old.table.Limit()))
	if err != nil {
		return err
	}
	for i, r := range arg.GetRules() {
		if err := m.addTo(table, fmt.Sprintf("rules[%d].", i), r); err != nil {
			table.Retire()
			return err
		}
	}
	m.state.Store(&state{table, uint16(arg.GetDefaultGate())})
	old.table.Retire()
	m.domain.Flush()
	return nil
}
