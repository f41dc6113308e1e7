// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// idForm is how a link is written. Blanks around the arrow are allowed for
// people; names may contain colons, so the gates are those next to the arrow.
var idForm = regexp.MustCompile(`^(.+):([0-9]+) ?-> ?([0-9]+):(.+)$`)

// parseID reads "src:0->0:dst".
func parseID(id string) (session.Link, error) {
	fail := func(why string) (session.Link, error) {
		return session.Link{}, fmt.Errorf("%q: %s; write it as from:ogate->igate:to, for example src:0->0:sink", id, why)
	}
	m := idForm.FindStringSubmatch(id)
	if m == nil {
		return fail("not a link")
	}
	ogate, err1 := strconv.ParseUint(m[2], 10, 16)
	igate, err2 := strconv.ParseUint(m[3], 10, 16)
	if err1 != nil || err2 != nil || ogate > 8191 || igate > 8191 {
		return fail("gates must be 0 to 8191")
	}
	return session.Link{From: m[1], OGate: ogate, To: m[4], IGate: igate}, nil
}

// ImportState takes the link as it is written in its id.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	l, err := parseID(req.ID)
	if err != nil {
		resp.Diagnostics.AddError("Not the id of a link", err.Error())
		return
	}
	var state model
	state.set(l)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}
