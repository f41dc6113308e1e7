// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

func (d *decoder) trafficClasses(n *yaml.Node, w *where) {
	d.objects(n, w, "tc", func(e entry, w *where, keep bool) {
		t := &TC{Pos: e.keyAt, Name: e.key}
		var limit, burst *yaml.Node
		fs := fields{
			"policy": d.texter(&t.Policy), "resource": d.texter(&t.Resource),
			"limit":    func(n *yaml.Node, _ *where) { limit = n },
			"maxBurst": func(n *yaml.Node, _ *where) { burst = n },
			"parent":   d.texter(&t.Parent),
		}
		d.placeFields(fs, &t.Place)
		t.fields = d.record(e.val, w, fs)
		// The units depend on the resource, which may come last.
		if limit != nil {
			t.Limit, t.limited = d.rate(limit, w.key("limit"), t.Resource), true
		}
		if burst != nil {
			t.MaxBurst = d.rate(burst, w.key("maxBurst"), t.Resource)
		}
		if keep {
			d.TCs[e.key] = t
		}
	})
}

// placeFields adds the keys that say where something hangs.
func (d *decoder) placeFields(fs fields, p *Place) {
	number := func(dst **int64, low, high int64) func(*yaml.Node, *where) {
		return func(n *yaml.Node, w *where) {
			if v, ok := d.whole(n, w, low, high); ok {
				*dst = &v
			}
		}
	}
	fs["priority"] = number(&p.Priority, 0, math.MaxUint32-1)
	fs["share"] = number(&p.Share, 1, math.MaxInt32)
	fs["worker"] = func(n *yaml.Node, w *where) {
		if v, ok := d.whole(n, w, 0, maxWorkerID); ok {
			id := int(v)
			p.Worker = &id
		}
	}
}

func (d *decoder) tasks(n *yaml.Node, w *where) {
	d.each(n, w, func(e entry) {
		ow := of("task " + e.key)
		t := &Task{Pos: e.keyAt, ID: TaskID{Module: e.key}}
		fs := fields{"class": d.texter(&t.Parent)}
		d.placeFields(fs, &t.Place)
		t.fields = d.record(e.val, ow, fs)
		if d.once(ow.object, e.keyAt) {
			d.Tasks[t.ID] = t
		}
	})
}

// resolveTasks turns the keys of tasks into modules and numbers: the module
// of exactly that name, else what is before the last colon.
func (p *Pipeline) resolveTasks(r *report) {
	byKey := p.Tasks
	p.Tasks = make(map[TaskID]*Task, len(byKey))
	for _, t := range ordered(byKey) {
		key := t.ID.Module
		if p.Modules[key] == nil {
			if i := strings.LastIndexByte(key, ':'); i >= 0 {
				if num, err := strconv.ParseUint(key[i+1:], 10, 31); err == nil {
					t.ID = TaskID{key[:i], int(num)}
				}
			}
		}
		if first := p.Tasks[t.ID]; first != nil {
			r.errorf(t.Pos, "task "+key, "declared twice, first at %s", first.Pos)
			continue
		}
		p.Tasks[t.ID] = t
	}
}

// rate reads an amount of a resource: a number, or text such as "10Gbps".
func (d *decoder) rate(n *yaml.Node, w *where, resource string) int64 {
	v, _, _ := d.single(n, w, "a number")
	switch x := v.(type) {
	case nil:
		return 0
	case string:
		i, err := parseRate(x, resource)
		if err != nil {
			d.fail(n, w, "", "%s: %s", show(x), err)
		}
		return i
	}
	i, ok := toWhole(v)
	if !ok {
		d.fail(n, w, "", "%s: must be a whole number, optionally with k, M or G", showValue(v))
	}
	return i
}

// units are what may follow the number of each resource.
var units = map[string]string{"bit": "bps", "packet": "pps", "cycle": "Hz"}

// parseRate reads "1500", "1.5k", "10Mbps".
func parseRate(text, resource string) (int64, error) {
	num := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	suffix := strings.TrimSpace(text[len(num):])
	unit := units[resource]
	if unit != "" {
		suffix = strings.TrimSuffix(suffix, unit)
	}
	scale, ok := map[string]int64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[suffix]
	r, isNum := new(big.Rat).SetString(num)
	if !ok || !isNum || len(num) > 40 || strings.ContainsAny(num, "/_xXeEpP") {
		if unit == "" {
			return 0, fmt.Errorf("must be a number, optionally with k, M or G")
		}
		return 0, fmt.Errorf("must be a number, optionally with k, M or G and %s", unit)
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	if !r.IsInt() {
		return 0, fmt.Errorf("must be a whole number of units")
	}
	if !r.Num().IsInt64() {
		return 0, fmt.Errorf("must be at most %d", int64(math.MaxInt64))
	}
	return r.Num().Int64(), nil
}

// formatRate writes what parseRate reads: 1500, 64k, 10Gbps.
func formatRate(n int64, unit string) string {
	for _, s := range []struct {
		scale int64
		name  string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= s.scale && n%s.scale == 0 {
			return strconv.FormatInt(n/s.scale, 10) + s.name + unit
		}
	}
	return strconv.FormatInt(n, 10)
}
