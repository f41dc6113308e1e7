// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"errors"
	"strconv"
	"unicode"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
)

// maxName is the longest name of an object or attribute, in bytes
// (spec/badinput.md).
const maxName = 255

// maxGate is the highest gate that can be connected.
const maxGate = 8191

// formats are the parsers behind option.Rule's format.
var formats = map[string]func(string) error{
	"ipv4":        func(s string) error { _, err := scalar.ParseIPv4(s); return err },
	"cidr4":       func(s string) error { _, err := scalar.ParseCIDR4(s); return err },
	"cidr":        func(s string) error { _, err := scalar.ParseCIDR(s); return err },
	"mac":         func(s string) error { _, err := scalar.ParseMAC(s); return err },
	"hex":         checkHex,
	"name":        CheckName,
	"attribute":   CheckName,
	"gate":        checkGate,
	"pcap-filter": checkFilter,
}

// CheckName checks the name of a module, port, traffic class or metadata
// attribute: 1..255 bytes without control characters. Blanks, dots and colons are
// allowed.
func CheckName(s string) error {
	if s == "" || len(s) > maxName {
		return errors.New("must be a name of 1..255 bytes")
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return errors.New("must be a name without control characters")
		}
	}
	return nil
}

func checkHex(s string) error {
	for i := range len(s) {
		c := s[i] | 0x20
		if (s[i] < '0' || s[i] > '9') && (c < 'a' || c > 'f') {
			return errors.New("must be hex digits")
		}
	}
	if s == "" {
		return errors.New("must be hex digits")
	}
	return nil
}

func checkGate(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n > maxGate || len(s) > 1 && s[0] == '0' {
		return errors.New("must be a gate number 0..8191")
	}
	return nil
}

// checkFilter finds the mistakes in a pcap-filter(7) expression that need no
// compiler: control characters and brackets that do not match.
func checkFilter(s string) error {
	var open []rune
	for _, r := range s {
		switch r {
		case '(', '[':
			open = append(open, r)
		case ')', ']':
			if len(open) == 0 || open[len(open)-1] != map[rune]rune{')': '(', ']': '['}[r] {
				return errors.New("must be a filter expression with matching brackets")
			}
			open = open[:len(open)-1]
		case ' ', '\t', '\n':
		default:
			if unicode.IsControl(r) {
				return errors.New("must be a filter expression without control characters")
			}
		}
	}
	if len(open) > 0 {
		return errors.New("must be a filter expression with matching brackets")
	}
	return nil
}
