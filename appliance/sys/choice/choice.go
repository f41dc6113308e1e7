// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package choice is what a user says of something that may not be possible.
package choice

import "github.com/bessform/terraform-provider-bess/appliance/errno"

// Choice is whether to use something that may not be possible.
type Choice int

// The choices: use it if possible, insist on it, do without.
const (
	Auto Choice = iota
	On
	Off
)

// choices are the words for them.
var choices = map[string]Choice{"": Auto, "auto": Auto, "on": On, "off": Off}

// Parse returns the choice that the word in a field stands for, "" the
// default. Errors: EINVAL.
func Parse(field, word string) (Choice, error) {
	c, ok := choices[word]
	if !ok {
		return 0, errno.Errorf(errno.EINVAL, "%s: %q: must be auto, on or off", field, word)
	}
	return c, nil
}
