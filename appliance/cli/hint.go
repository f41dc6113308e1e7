// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strconv"
	"strings"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// hint returns what to add to a sentence about an unknown word: the candidate
// that was meant, else all of them if they are few, else nothing.
func hint(word string, candidates []string) string {
	const few = 16
	_, err := strconv.Atoi(word)
	if text := args.DidYouMean(word, candidates); text != "" && err != nil { // no number is nearly another
		return " (" + text + ")"
	}
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	return " (there are " + strings.Join(candidates, ", ") + ")"
}
