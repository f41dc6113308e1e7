// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

const basic = `
  workers: {0: {core: 0}}
  modules:
    src: {class: Source}
    mid: {class: Bypass}
    out: {class: Sink}
  links:
    - src -> mid -> out
`

func TestApplyBuildsAPipelineThatRuns(t *testing.T) {
	w := newWorld(t)
	w.same(w.apply(basic), lines(
		"create worker 0 [none] core 0",
		"create module src [none] class Source",
		"create module mid [none] class Bypass",
		"create module out [none] class Sink",
		"connect link src:0 -> 0:mid [none]",
		"connect link mid:0 -> 0:out [none]"))
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
}

func TestApplyAddsToARunningPipeline(t *testing.T) {
	w := newWorld(t)
	w.apply(basic)
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
	w.same(w.apply(strings.Replace(basic, "  links:", "    src2: {class: Source, args: {pkt_size: 100}}\n  links:\n    - src2 -> 0:mid", 1)), lines(
		"create module src2 [none] class Source",
		"connect link src2:0 -> 0:mid [none]"))
	await(t, "traffic of the new source", func() bool { return w.packets("!leaf_src2:0") > 1000 })
}

var _ = fmt.Sprint
var _ = errors.Is
var _ = reflect.DeepEqual
var _ *engine.Engine
var _ declare.Finding
