// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func TestDeclareChecks(t *testing.T) {
	full := make([]Attr, MaxAttrs)
	for i := range full {
		full[i] = attr(fmt.Sprintf("f%d", i), 1, Write)
	}
	one := []Attr{attr("mine", 4, Write)}
	tests := []struct {
		name     string
		declared []Attr
		attr     Attr
		code     int
		text     string
	}{
		{"fits", nil, attr("foo", 1, Read), 0, ""},
		{"largest", nil, attr("foo", 32, Update), 0, ""},
		{"agrees with others", nil, attr("other", 8, Read), 0, ""},
		{"sixteenth", full[:15], attr("foo", 2, Read), 0, ""},
		{"seventeenth", full, attr("foo", 2, Read), errno.ENOSPC, `"foo": a module has at most 16`},
		{"full comes before all else", full, attr("", 99, 9), errno.ENOSPC, "at most 16"},
		{"no name", nil, attr("", 2, Read), errno.EINVAL, "name: must not be empty"},
		{"size 0", nil, attr("foo", 0, Read), errno.EINVAL, "size: 0: must be 1..32"},
		{"size 33", nil, attr("foo", 33, Read), errno.EINVAL, "size: 33: must be 1..32"},
		{"negative size", nil, attr("foo", -1, Read), errno.EINVAL, "size: -1"},
		{"size comes before duplicate", one, attr("mine", 0, Read), errno.EINVAL, "size: 0"},
		{"unknown mode", nil, attr("foo", 2, 3), errno.EINVAL, "mode: 3"},
		{"declared twice", one, attr("mine", 4, Read), errno.EEXIST, "declared twice"},
		{"duplicate comes before disagreement", one, attr("mine", 5, Read), errno.EEXIST, "declared twice"},
		{"disagrees", nil, attr("other", 4, Read), errno.EINVAL, "size: 4: other modules declared it with 8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reg Registry
			if _, err := reg.Declare(nil, attr("other", 8, Write)); err != nil {
				t.Fatal(err)
			}
			got, err := reg.Declare(tt.declared, tt.attr)
			if errno.Code(err) != tt.code {
				t.Fatalf("error %v, want code %d", err, tt.code)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %q, want %q in it", err, tt.text)
				}
				if len(got) != len(tt.declared) {
					t.Errorf("a refused declaration was kept: %v", got)
				}
				return
			}
			if len(got) != len(tt.declared)+1 || got[len(got)-1] != tt.attr {
				t.Errorf("declarations %v, want %v at the end", got, tt.attr)
			}
		})
	}
}

func TestSizeIsFreeAgainAfterTheLastUser(t *testing.T) {
	var reg Registry
	must := func(d []Attr, err error) []Attr {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := must(reg.Declare(nil, attr("foo", 2, Write)))
	b := must(reg.Declare(nil, attr("foo", 2, Read)))
	if _, err := reg.Declare(nil, attr("foo", 4, Read)); errno.Code(err) != errno.EINVAL {
		t.Fatalf("two users with size 2: error %v", err)
	}
	reg.Release(a)
	if _, err := reg.Declare(nil, attr("foo", 4, Read)); errno.Code(err) != errno.EINVAL {
		t.Fatalf("one user with size 2 left: error %v", err)
	}
	reg.Release(b)
	must(reg.Declare(nil, attr("foo", 4, Read)))
}

// A refused declaration must not count as a user.
func TestRefusedDeclarationLeavesNoTrace(t *testing.T) {
	var reg Registry
	if _, err := reg.Declare([]Attr{attr("foo", 2, Read)}, attr("foo", 2, Read)); errno.Code(err) != errno.EEXIST {
		t.Fatal(err)
	}
	if len(reg.agreed) != 0 {
		t.Errorf("agreements %v after a refusal", reg.agreed)
	}
	reg.Release([]Attr{attr("never declared", 2, Read)})
}
