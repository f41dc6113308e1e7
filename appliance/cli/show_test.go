// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// startEdge starts a pipeline with a port, an access list, a branch, a merge, a
// loop, a queue between two workers, and a tree of traffic classes. All workers
// are paused.
func startEdge(t *testing.T) *peer {
	t.Helper()
	p := start(t)
	p.worker(0)
	p.worker(1)
	p.port("lan", "UnixSocketPort", "{path: "+filepath.Join(p.dir, "lan")+"}")
	p.module("rx", "PortInc", "{port: lan}")
	p.module("fw", "ACL", "{rules: [{src_ip: 172.12.0.0/16}, {dst_port: 80, drop: true}]}")
	p.module("mark", "SetMetadata", "{attrs: [{name: vlan, size: 2, value_int: 7}, {name: zone, size: 1, value_int: 1}]}")
	p.module("put", "GenericEncap", "{fields: [{size: 2, attribute: vlan}]}")
	p.module("copy", "Replicate", "{gates: [0, 1]}")
	p.module("join", "Merge", "")
	p.module("store", "Queue", "{size: 64}")
	p.module("tx", "PortOut", "{port: lan}")
	p.module("gone", "Sink", "")
	p.module("idle", "Source", "")
	p.module("round", "Merge", "")
	for _, l := range []string{"rx 0 0 fw", "fw 0 0 mark", "mark 0 0 put", "put 0 0 copy", "copy 0 0 join", "copy 1 1 join", "join 0 0 store",
		"store 0 0 tx", "idle 0 0 gone", "round 0 1 round"} {
		p.link(l)
	}
	p.tc(&api.TrafficClass{Name: "main", Policy: "weighted_fair", Resource: "packet"})
	p.tc(&api.TrafficClass{Name: "slow", Policy: "rate_limit", Resource: "packet", Limit: map[string]int64{"packet": 100_000},
		MaxBurst: map[string]int64{"packet": 64}, Parent: "main", Wid: -1, Arg: &api.TrafficClass_Share{Share: 2}})
	p.tc(&api.TrafficClass{Name: "urgent", Policy: "priority", Parent: "main", Wid: -1, Arg: &api.TrafficClass_Share{Share: 5}})
	p.task(&api.TrafficClass{LeafModuleName: "rx", Parent: "urgent", Wid: -1, Arg: &api.TrafficClass_Priority{Priority: 1}})
	p.task(&api.TrafficClass{LeafModuleName: "idle", Parent: "slow", Wid: -1})
	p.task(&api.TrafficClass{LeafModuleName: "store", Wid: 1})
	return p
}

// frames of Ethernet, IPv4 and UDP: from 172.12.0.1 to port 53, from 10.0.0.1
// to port 80, and from 10.0.0.1 to port 53.
func packets() [][]byte {
	frame := func(src [4]byte, port byte) []byte {
		b := make([]byte, 60)
		copy(b, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0})
		copy(b[26:], src[:])
		copy(b[30:], []byte{10, 0, 0, 2, 4, 0, 0, port, 0, 26, 0, 0})
		sum := uint32(0)
		for i := 14; i < 34; i += 2 {
			sum += uint32(b[i])<<8 | uint32(b[i+1])
		}
		sum = sum>>16 + sum&0xffff
		b[24], b[25] = ^byte(sum>>8), ^byte(sum)
		return b
	}
	return [][]byte{frame([4]byte{172, 12, 0, 1}, 53), frame([4]byte{10, 0, 0, 1}, 80), frame([4]byte{10, 0, 0, 1}, 53)}
}

// send sends frames into the port, one after the other.
func (p *peer) send(frames [][]byte) {
	p.t.Helper()
	c, err := net.Dial("unixpacket", filepath.Join(p.dir, "lan"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for i, f := range frames {
		if _, err := c.Write(f); err != nil {
			p.t.Fatal(err)
		}
		p.await("the packet", func() bool {
			var list []portData
			p.json(&list, "show", "port", "lan")
			return list[0].In.Packets == uint64(i+1)
		})
	}
}

// views are show verbs whose output a paused pipeline makes certain.
var views = []string{
	"show pipeline", "show pipeline copy round", "show module", "show module mark put", "show port", "show port lan", "show worker",
	"show worker 1", "show tc", "show tc slow", "show tc --worker 1", "show hooks", "show hooks copy", "show mempool", "show version", "version",
}

// What differs from run to run.
var (
	times      = regexp.MustCompile(`("?timestamp"?: )[\d.]+`)
	macs       = regexp.MustCompile(`([0-9a-f]{2}:){5}[0-9a-f]{2}`)
	histograms = regexp.MustCompile(`(_hist"?:)( \[[^\]]*\]|(\n +- \d+)+)`)
)

func TestShowGolden(t *testing.T) {
	p := startEdge(t)
	for _, v := range views {
		for _, format := range []string{"table", "json", "yaml"} {
			if format != "table" && strings.HasPrefix(v, "show module") {
				continue // mostly the texts of classes
			}
			out := p.ok(append(strings.Fields(v), "-o", format)...)
			out = strings.ReplaceAll(out, p.dir, "DIR")
			out = macs.ReplaceAllString(times.ReplaceAllString(out, "${1}0"), "aa:bb:cc:dd:ee:ff")
			out = histograms.ReplaceAllString(out, "${1} []")
			golden(t, strings.ReplaceAll(v, " ", "_")+"."+format, out)
		}
	}
}

// The numbers of a view are those of the packets that were sent.
func TestShowCounts(t *testing.T) {
	p := startEdge(t)
	p.ok("resume")
	p.send(packets())
	p.await("the end", func() bool {
		var list []moduleData
		p.json(&list, "show", "module", "store")
		return list[0].OutputGates[0].Packets == 2
	})
	p.ok("pause")
	var list []moduleData
	p.json(&list, "show", "module", "fw", "copy")
	fw, split := list[0], list[1]
	if len(fw.Rules) != 2 || fw.Rules[0].Packets != 1 || fw.Rules[1].Packets != 1 || fw.Deadends != 2 ||
		fw.OutputGates[0].Packets != 1 || *fw.InputGates[0].From[0].Packets != 3 || fw.InputGates[0].Tracked {
		t.Errorf("fw: %+v", fw)
	}
	if rule, ok := fw.Rules[1].Rule.(map[string]any); !ok || rule["dst_port"] != float64(80) || rule["drop"] != true {
		t.Errorf("rule 1: %v", fw.Rules[1].Rule)
	}
	if len(split.OutputGates) != 2 || split.OutputGates[1].Packets != 1 {
		t.Errorf("copy: %+v", split)
	}
	text := p.ok("show", "module", "fw")
	for _, want := range []string{"{src_ip: 172.12.0.0/16}", "{dst_port: 80, drop: true}", "RULE  PACKETS"} {
		if !strings.Contains(text, want) {
			t.Errorf("show module fw lacks %q:\n%s", want, text)
		}
	}
	text = p.ok("show", "pipeline")
	varying := regexp.MustCompile(`(?m)^.*(gone|store|tx).*$`) // the source ran, and batches may have met
	golden(t, "show_pipeline_counts.table", varying.ReplaceAllString(text, "…"))
}

// What --help promises about JSON is what there is, and nothing else is there;
// YAML says the same.
func TestJSONDocumented(t *testing.T) {
	p := startEdge(t)
	for _, v := range append([]string{"show module --all", "show mclass Queue", "show driver"}, views...) {
		words := strings.Fields(v)
		help := p.ok(append(words, "--help")...)
		_, help, ok := strings.Cut(help, "\nJSON: ")
		if !ok {
			t.Errorf("%s: the help says nothing about JSON", v)
		}
		help, _, _ = strings.Cut(help, "\nUsage:")
		text := p.ok(append(words, "-o", "json")...)
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		for key := range keys(value, map[string]bool{}) {
			if !regexp.MustCompile(`\b` + key + `\b`).MatchString(help) {
				t.Errorf("%s: the help does not mention %s", v, key)
			}
		}
		var again any
		if err := yaml.Unmarshal([]byte(p.ok(append(words, "-o", "yaml")...)), &again); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		if !reflect.DeepEqual(forget(value), forget(again)) {
			t.Errorf("%s: YAML differs from JSON:\n%v\n%v", v, forget(value), forget(again))
		}
	}
}

// keys collects the keys of objects; those of arguments are the classes'.
func keys(v any, into map[string]bool) map[string]bool {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			into[k] = true
			if k != "arg" && k != "rule" {
				keys(e, into)
			}
		}
	case []any:
		for _, e := range v {
			keys(e, into)
		}
	}
	return into
}

// forget makes numbers of JSON and YAML alike and leaves times out.
func forget(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = forget(e)
		}
		delete(v, "timestamp")
	case []any:
		for i, e := range v {
			v[i] = forget(e)
		}
	case int:
		return float64(v)
	}
	return v
}

// JSON decodes into the types it was made from without loss.
func TestRoundTrip(t *testing.T) {
	p := startEdge(t)
	for v, into := range map[string]any{
		"show module --all": &[]*moduleData{}, "show pipeline": &pipelineData{}, "show port": &[]*portData{},
		"show worker": &[]*workerData{}, "show tc": &[]*tcData{}, "show hooks": &[]hookData{}, "show mempool": &[]poolData{},
		"version": &versions{}, "show mclass": &[]classData{}, "show driver": &[]driverData{},
	} {
		text := p.ok(append(strings.Fields(v), "-o", "json")...)
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			t.Errorf("%s: %v", v, err)
			continue
		}
		var again bytes.Buffer
		if err := writeJSON(&again, into, "  "); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		var a, b any
		if json.Unmarshal([]byte(text), &a) != nil || json.Unmarshal(again.Bytes(), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\n%s\n%s", v, text, again.String())
		}
	}
}

func TestShowEmpty(t *testing.T) {
	p := start(t)
	for v, want := range map[string]string{
		"pipeline": "There are no modules.\n", "module": "There are no modules.\n", "module --all": "There are no modules.\n",
		"port": "There are no ports.\n", "worker": "There are no workers.\n", "tc": "There are no traffic classes.\n",
		"hooks": "There are no hooks.\n",
	} {
		if got := p.ok(append([]string{"show"}, strings.Fields(v)...)...); got != want {
			t.Errorf("show %s: %q", v, got)
		}
		text := p.ok(append([]string{"show", "-o", "json"}, strings.Fields(v)...)...)
		if strings.Contains(text, "null") {
			t.Errorf("show %s: a list that is empty must be one: %s", v, text)
		}
	}
	if text := p.ok("show", "mclass"); !strings.Contains(text, "Queue") || strings.Contains(text, "set_burst") {
		t.Errorf("mclass: %s", text)
	}
	if text := p.ok("show", "mclass", "Queue"); !strings.Contains(text, "set_burst(QueueCommandSetBurstArg)") {
		t.Errorf("mclass Queue: %s", text)
	}
	if text := p.ok("show", "driver"); !strings.Contains(text, "UnixSocketPort") {
		t.Errorf("driver: %s", text)
	}
}

func TestShowRefuses(t *testing.T) {
	p := startEdge(t)
	for v, want := range map[string]string{
		"show modle":             `bessctl: show: unknown command "modle" (did you mean "module"?)`,
		"shw":                    `bessctl: unknown command "shw" (did you mean "show"?)`,
		"show module fv":         `bessctl: describe module "fv": errno=2 (ENOENT), No module 'fv' found (did you mean "fw"?)`,
		"show pipeline fv":       `bessctl: module "fv": there is none of that name (did you mean "fw"?)`,
		"show port wan":          `bessctl: port "wan": there is none of that name (did you mean "lan"?)`,
		"show worker 7":          `bessctl: worker "7": there is none of that number (there are 0, 1)`,
		"show tc slwo":           `bessctl: traffic class "slwo": there is none of that name (did you mean "slow"?)`,
		"show tc --worker 64":    `bessctl: list traffic classes: errno=22 (EINVAL), 'wid' must be between 0 and 63`,
		"show mclass Que":        `(ENOENT), No mclass 'Que' found`,
		"show driver Unix":       `(ENOENT), No driver 'Unix' found`,
		"show hooks fv":          `(ENOENT), No module 'fv' found`,
		"show mempool --node 99": `errno=22 (EINVAL)`,
		"show mempool extra":     `unknown command "extra"`,
		"show tc -o xml":         `bessctl: --output "xml": must be table, json or yaml`,
		"show tc --timeout 0s":   `bessctl: --timeout 0s: must be positive`,
		"show tc --colour":       `bessctl: unknown flag: --colour`,
	} {
		r := p.run(strings.Fields(v)...)
		if r.code != 1 || r.out != "" || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q; want one line with %q", v, r.code, r.out, r.err, want)
		}
	}
}
