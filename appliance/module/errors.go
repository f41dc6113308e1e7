// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"errors"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// ErrRebuild is returned by Updater.Update for a change that a running
// instance cannot take.
var ErrRebuild = errors.New("the change needs a new instance")

// Invalid returns an EINVAL error about one field of an argument:
// "rules[3].src_ip: \"10.0.0.0/40\": reason".
func Invalid(field string, value any, format string, a ...any) error {
	v := fmt.Sprintf("%v", value)
	if s, ok := value.(string); ok {
		v = fmt.Sprintf("%q", s)
	}
	return errno.Errorf(errno.EINVAL, "%s: %s: %s", field, v, fmt.Sprintf(format, a...))
}

// CheckGate verifies a configured output gate, given as any integer type of
// the wire: 0..8191, or 8192 for an explicit drop. The check is done before
// any narrowing.
func CheckGate[T ~int64 | ~uint64 | ~int | ~uint32](field string, gate T) error {
	if gate < 0 || uint64(gate) > DropGate {
		return Invalid(field, gate, "gate must be 0..%d, or %d to drop", MaxGates-1, DropGate)
	}
	return nil
}
