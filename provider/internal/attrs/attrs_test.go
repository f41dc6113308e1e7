// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package attrs

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func accepts(rules []validator.String, name string) bool {
	for _, r := range rules {
		var resp validator.StringResponse
		r.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("name"), ConfigValue: types.StringValue(name)}, &resp)
		if resp.Diagnostics.HasError() {
			return false
		}
	}
	return true
}

// The daemon's rules: any bytes but control characters, up to 255.
func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "Port 0": true, "a:b.c-d/e": true, "grüße": true, "!leaf_src:0": true, strings.Repeat("x", 255): true,
		"": false, "a\nb": false, "a\x00": false, "\x7f": false, strings.Repeat("x", 256): false, strings.Repeat("ü", 128): false,
	} {
		if got := accepts(Name(), name); got != want {
			t.Errorf("name %q: %v", name, got)
		}
	}
	if accepts(TCName(), "!a") || !accepts(TCName(), "a!") {
		t.Error("names of traffic classes must not begin with !, and may contain it")
	}
}

func TestNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		rules  []validator.Int64
		lo, hi int64
	}{
		"gate": {Gate(), 0, 8191}, "worker": {Worker(), 0, 63}, "task": {Task(), 0, 31},
		"priority": {Priority(), 0, 4294967294}, "share": {Share(), 1, 2147483647},
	} {
		for n, want := range map[int64]bool{c.lo: true, c.hi: true, c.lo - 1: false, c.hi + 1: false} {
			var resp validator.Int64Response
			c.rules[0].ValidateInt64(context.Background(), validator.Int64Request{Path: path.Root("n"), ConfigValue: types.Int64Value(n)}, &resp)
			if resp.Diagnostics.HasError() == want {
				t.Errorf("%s %d: %v", name, n, resp.Diagnostics)
			}
		}
	}
}
