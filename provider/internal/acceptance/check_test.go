// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// link is a link in the form of its id.
type link struct {
	from         string
	ogate, igate uint64
	to           string
}

func (l link) String() string { return fmt.Sprintf("%s:%d->%d:%s", l.from, l.ogate, l.igate, l.to) }

// says makes a check of a function that returns what is wrong, or "".
func says(f func() string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if problem := f(); problem != "" {
			return fmt.Errorf("%s", problem)
		}
		return nil
	}
}

// hasLinks checks which links leave a module, on the daemon.
func (d *daemon) hasLinks(from string, want ...string) resource.TestCheckFunc {
	return says(func() string {
		if got := d.links(from); !slices.Equal(got, want) {
			return fmt.Sprintf("links of %s: %v, want %v", from, got, want)
		}
		return ""
	})
}

// hasClass checks a module's class on the daemon; "" means no module.
func (d *daemon) hasClass(name, want string) resource.TestCheckFunc {
	return says(func() string {
		if got := d.module(name).GetMclass(); got != want {
			return fmt.Sprintf("module %s has class %q, want %q", name, got, want)
		}
		return ""
	})
}

// isEmpty checks that destroy has left no module, port or traffic class.
func (d *daemon) isEmpty() resource.TestCheckFunc {
	return says(func() string {
		modules, err := d.c.Modules(ctx())
		d.must(err)
		ports, err := d.c.Ports(ctx())
		d.must(err)
		tcs, err := d.c.TCs(ctx(), -1)
		d.must(err)
		if len(modules)+len(ports) > 0 {
			return fmt.Sprintf("left over: %v %v", modules, ports)
		}
		for _, tc := range tcs {
			if !strings.HasPrefix(tc.GetClass().GetName(), "!") {
				return fmt.Sprintf("left over: %v", tc)
			}
		}
		return ""
	})
}

// planned checks what a plan does to a resource.
func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// unchanged checks that a plan does nothing.
func unchanged() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

// loosely makes a pattern of words in that order, whatever is between them:
// terraform wraps lines and draws a border beside them.
func loosely(words string) *regexp.Regexp {
	parts := strings.Fields(words)
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`(?s)` + strings.Join(parts, `[\s│]+`))
}
