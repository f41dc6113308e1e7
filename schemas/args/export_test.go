// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import "google.golang.org/protobuf/reflect/protoreflect"

// RuleProblem reports whether a field has a rule, and what is wrong with it.
func RuleProblem(fd protoreflect.FieldDescriptor) (has bool, problem string) {
	r, keys, problem := fieldRules(fd)
	return r != nil || keys != nil, problem
}
