// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxCore is the highest core that may be named.
const maxCore = 4095

func (d *decoder) system(n *yaml.Node, field string) {
	s := &d.System
	d.record(n, field, keys{
		"hugepages": func(n *yaml.Node, field string) {
			d.record(n, field, keys{"2M": d.whole(&s.Hugepages2M, 0, 1<<22), "1G": d.whole(&s.Hugepages1G, 0, 1<<13)})
		},
		"isolatedCores": func(n *yaml.Node, field string) {
			text := d.text(n, field)
			cores, ok := ParseCores(text)
			if !ok {
				d.fail(n, field, "", `%s: must be cores like "1-3,6", at most %d`, show(text), maxCore)
			}
			s.IsolatedCores = cores
		},
		"buffers": func(n *yaml.Node, field string) {
			d.whole(&s.Buffers, 1024, 1<<24)(n, field)
			if s.Buffers != 0 && bits.OnesCount(uint(s.Buffers)) != 1 {
				d.fail(n, field, "", "%d: must be a power of two", s.Buffers)
			}
		},
	})
}

// ParseCores reads a list of cores as the kernel writes it, "1-3,6".
func ParseCores(text string) (cores []int, ok bool) {
	for _, part := range strings.Split(strings.TrimSpace(text), ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(from)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b < a || b > maxCore {
			return nil, false
		}
		for c := a; c <= b; c++ {
			cores = append(cores, c)
		}
	}
	slices.Sort(cores)
	return slices.Compact(cores), true
}
