// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"google.golang.org/protobuf/types/known/anypb"
)

// ruleData is a rule of a class with an ordered list of them. Rule is null if
// it is not known any more.
type ruleData struct {
	Number  int    `json:"number"`
	Packets uint64 `json:"packets"`
	Rule    any    `json:"rule"`
}

// text writes the rule on a line.
func (d *ruleData) text() string {
	if d.Rule == nil {
		return ""
	}
	return flow(d.Rule)
}

// addRules takes the text of the rules from the module's argument: the list in
// it that is as long as the list of counters. If commands have changed the
// rules since, there may be none.
func (m *moduleData) addRules(arg *anypb.Any) {
	v, err := unpack(arg, false)
	fields, ok := v.(object)
	if err != nil || !ok {
		return
	}
	for _, f := range fields {
		list, ok := f.value.([]any)
		if !ok || len(list) != len(m.Rules) {
			continue
		}
		for i := range list {
			m.Rules[i].Rule = list[i]
		}
		return
	}
}
