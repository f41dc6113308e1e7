// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package args converts between generic values (as YAML, JSON and Terraform
// decode them) and the argument messages of the API, strictly and without a
// daemon, and checks the rules that the .proto files attach to fields
// (appliance/api/option).
//
// Generic values are nil, bool, Go's integers and floats, json.Number,
// *big.Float, string, []any and map[string]any; lists and maps of other element
// types are accepted too. They map to fields like this:
//
//   - Field names are those of the .proto file (snake_case). Null means absent.
//   - Integer fields take whole numbers (1.0 is 1) within the range of the
//     field's type, decimal strings ("10", "-1"; no blanks, "+", leading zeros or
//     exponents, because Terraform turns numbers of mixed maps into strings) and
//     "0x…" strings.
//   - Floating point fields take numbers, decimal strings, "NaN", "Infinity" and
//     "-Infinity".
//   - Booleans and strings take only themselves: true, not "true"; "1", not 1.
//   - Bytes fields take everything craft.Bytes takes: hex digits, "base64:…",
//     "text:…", or a packet in layers.
//   - A FieldData message takes, beside its map form, a whole number (value_int)
//     or hex digits (value_bin): 1 is an integer, "01" and "0x01" are one byte.
//   - Map fields take maps; keys of integer maps may be written as text.
package args

import (
	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
)

// Finding is one problem: Path ("rules[3].src_ip"), Value as shown to people
// (strings quoted), Msg and Hint. String joins them.
type Finding = scalar.Finding

// Unknown stands for a value that will only be known later, as in a Terraform
// plan. Decode leaves its field unset and checks no rule against it; inside a
// layered packet it leaves the whole packet out.
type Unknown = scalar.Unknown

// Suggest returns the candidate that word was probably meant to be, or "". See
// DidYouMean for the sentence.
func Suggest(word string, candidates []string) string {
	return scalar.Suggest(word, candidates)
}

// DidYouMean returns `did you mean "x"?` or "".
func DidYouMean(word string, candidates []string) string {
	return scalar.DidYouMean(word, candidates)
}

// Text joins findings, one a line when there are several.
func Text(findings []Finding) string { return scalar.Text(findings) }
