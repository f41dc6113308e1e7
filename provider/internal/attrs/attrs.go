// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package attrs has the rules that attributes of several resources share.
package attrs

import (
	"math"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

const (
	maxName    = 255  // bytes, the daemon's limit
	maxGate    = 8191 // gates per module and direction, less one
	maxWorker  = 63
	maxTask    = 31
	maxPrio    = math.MaxUint32 - 1 // the largest value is reserved
	maxShare   = math.MaxInt32
	tcReserved = `^[^!]`
)

var printable = regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`)

// Name checks the name of a module, port or traffic class.
func Name() []validator.String {
	return []validator.String{
		stringvalidator.LengthBetween(1, maxName),
		stringvalidator.RegexMatches(printable, "must not contain control characters"),
	}
}

// TCName checks the name of a traffic class that a user makes.
func TCName() []validator.String {
	return append(Name(), stringvalidator.RegexMatches(regexp.MustCompile(tcReserved),
		"must not begin with \"!\": such names belong to the daemon"))
}

// Gate checks the number of a gate.
func Gate() []validator.Int64 { return between(0, maxGate) }

// Worker checks the id of a worker.
func Worker() []validator.Int64 { return between(0, maxWorker) }

// Task checks the number of a module's task.
func Task() []validator.Int64 { return between(0, maxTask) }

// Priority checks a priority within a traffic class.
func Priority() []validator.Int64 { return between(0, maxPrio) }

// Share checks a share of a traffic class.
func Share() []validator.Int64 { return between(1, maxShare) }

func between(lo, hi int64) []validator.Int64 {
	return []validator.Int64{int64validator.Between(lo, hi)}
}
