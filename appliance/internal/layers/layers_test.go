// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package layers holds the test that keeps imports going one way. The layers
// are those of ARCHITECTURE.md.
package layers

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/bessform/terraform-provider-bess/"

// layer is a set of packages, by path prefix below the module, with what they
// may import of this module and why no more.
type layer struct {
	prefix string // longest match decides
	may    []string
	reason string
}

var shared = []string{"appliance/errno", "appliance/api", "schemas"}

var layers = []layer{
	{"schemas", []string{"appliance/api", "schemas"},
		"schemas are used offline by the provider: they know the wire, not the engine"},
	{"appliance/errno", nil, "errors are at the bottom"},
	{"appliance/api", []string{"appliance/api"}, "the wire knows nothing but itself"},
	{"appliance/sys", nil, "the machine is at the bottom"},
	{"appliance/sys/", []string{"appliance/sys", "appliance/packet", "appliance/errno"}, "devices of the machine that move packets"},
	{"appliance/header", []string{"appliance/errno"}, "headers know bytes, nothing else"},
	{"appliance/table", []string{"appliance/errno", "appliance/sys", "appliance/table"}, "tables know no packets"},
	{"appliance/table/filter", []string{"appliance/errno", "appliance/packet"}, "filters look into whole batches of packets"},
	{"appliance/packet", []string{"appliance/sys"}, "packets are at the bottom"},
	{"appliance/port", []string{"appliance/errno", "appliance/packet", "appliance/sys"},
		"the port contract knows packets, not modules"},
	{"appliance/module", []string{"appliance/errno", "appliance/packet", "appliance/port", "appliance/sys"},
		"the module contract knows ports and packets, not the graph"},
	{"appliance/field", []string{"appliance/api", "appliance/errno", "appliance/module", "appliance/packet"},
		"pieces of packets that arguments name: shared by the classes that look them up"},
	{"appliance/hook", []string{"appliance/module"}, "the hook contract knows modules, not the graph"},
	{"appliance/sched", []string{"appliance/errno", "appliance/sys"}, "the scheduler knows tasks by an interface of its own"},
	{"appliance/module/", unit("appliance/module", "appliance/field", "appliance/port", "appliance/header", "appliance/table"),
		"a module class never knows another unit, the graph or the engine: one class is one folder"},
	{"appliance/port/", unit("appliance/port", "appliance/header"),
		"a driver never knows another unit, the graph or the engine"},
	{"appliance/hook/", unit("appliance/hook", "appliance/module", "appliance/header"),
		"a hook never knows another unit, the graph or the engine"},
	{"appliance/module/all", []string{"appliance/module", "appliance/module/*"}, "the list of classes"},
	{"appliance/port/all", []string{"appliance/port", "appliance/port/*"}, "the list of drivers"},
	{"appliance/hook/all", []string{"appliance/hook", "appliance/hook/*"}, "the list of hooks"},
	{"appliance/module/moduletest", append([]string{"appliance/graph", "appliance/graph/*", "appliance/module",
		"appliance/packet", "appliance/port", "appliance/sys"}, shared...), "the harness runs classes in a real graph"},
	{"appliance/port/porttest", []string{"appliance/port", "appliance/packet", "appliance/sys", "appliance/errno", "appliance/api"}, "a device for tests"},
	{"appliance/graph", append([]string{"appliance/graph/*", "appliance/hook", "appliance/module", "appliance/sched",
		"appliance/sys", "appliance/packet"}, shared...), "the graph knows the contracts, no unit and no engine"},
	{"appliance/worker", []string{"appliance/module", "appliance/packet", "appliance/sched", "appliance/sys"},
		"a worker runs what it is given"},
	{"appliance/engine", append([]string{"appliance/graph", "appliance/graph/*", "appliance/hook", "appliance/module",
		"appliance/port", "appliance/packet", "appliance/sched", "appliance/sys", "appliance/worker", "appliance/header"}, shared...),
		"the engine gets its units as lists and knows no server"},
	{"appliance/server", append([]string{"appliance/engine", "appliance/port", "appliance/module"}, shared...),
		"the server decodes, calls the engine and encodes"},
	{"appliance/declare", append([]string{"appliance/engine", "appliance/port", "appliance/module", "appliance/graph",
		"appliance/sched", "appliance/sys", "appliance/header"}, shared...),
		"a declaration is applied through the engine"},
	{"appliance/store", append([]string{"appliance/engine", "appliance/declare", "appliance/sys"}, shared...),
		"the store keeps declarations and what the engine adds to them; who serves them is not its business"},
	{"appliance/system", append([]string{"appliance/engine", "appliance/sys"}, shared...),
		"the machine and the process around the pipeline: facts, conditions, the log; it changes no pipeline"},
	{"appliance/pki", nil, "certificates are files and bytes; clients, the command line and the daemon's door share them"},
	{"appliance/access", []string{"appliance/api", "appliance/pki", "appliance/sys"},
		"the door stands before all services and knows their names only, not the engine"},
	{"appliance/daemon", append([]string{"appliance/access", "appliance/engine", "appliance/server", "appliance/declare", "appliance/store",
		"appliance/system", "appliance/module", "appliance/packet", "appliance/sys"}, shared...), "the daemon's life knows the engine and its faces"},
	{"appliance/client", []string{"appliance/api", "appliance/errno", "appliance/pki"}, "clients know the wire and certificates only"},
	{"appliance/internal", []string{"appliance", "schemas"}, "tools and tests"},
	{"appliance/bench", append([]string{"appliance/client", "appliance/sys"}, shared...),
		"the benchmark measures any daemon that speaks the API, so it knows the wire, and the interfaces it makes for ports"},
	{"appliance/cli", append([]string{"appliance/bench", "appliance/client", "appliance/pki", "appliance/declare", "appliance/internal/version", "appliance/module",
		"appliance/module/all", "appliance/port", "appliance/port/all", "appliance/hook", "appliance/hook/all", "appliance/sys"}, shared...),
		"the command line is a client; the lists serve offline validation and explain"},
	{"appliance/cmd", []string{"appliance", "schemas"}, "mains put the parts together"},
	{"provider", []string{"appliance/client", "appliance/api", "appliance/errno", "appliance/internal/version", "schemas", "provider"},
		"the provider is a client: it must work with any daemon"},
	{"examples", []string{"schemas/craft", "appliance/client", "appliance/api", "appliance/errno"},
		"examples are programs of their own: clients at most"},
	{"examples/custom-class", []string{"appliance/daemon", "appliance/engine", "appliance/module/all", "appliance/port/all", "appliance/hook/all",
		"appliance/header", "appliance/module", "appliance/packet", "appliance/errno", "appliance/api", "examples/custom-class/dscpmark"},
		"a daemon made outside: it has what is public"},
	{"examples/internal", []string{"appliance/client", "appliance/api", "appliance/internal/testenv"}, "what the tests of the examples share"},
	{"hack", nil, "scripts and checks of files: they run programs and import none"},
	{"images", nil, "images contain binaries, not packages"},
	{"images/internal", []string{"images/internal/*"}, "what the tests of images share"},
	{"images/appliance/seed", []string{"schemas/args"}, "a seed is text: what it means is init's business"},
	{"images/appliance/build", []string{"images/appliance/gpt", "images/appliance/kmod", "images/internal/cpio"}, "the builder makes disks and compiles programs: it knows none of them"},
	{"images/appliance/init", []string{"images/appliance/gpt", "images/appliance/kmod", "images/appliance/seed", "appliance/sys"},
		"the first process starts the daemon: it knows no engine"},
}

func unit(contract ...string) []string {
	return append(append([]string{"appliance/packet", "appliance/sys", "appliance/errno", "appliance/api"}, shared...), contract...)
}

// allowed reports whether pattern permits the import: the package itself, a
// sub-package of api or schemas, or with "/*" any direct sub-package.
func allowed(pattern, path string) bool {
	if base, ok := strings.CutSuffix(pattern, "/*"); ok {
		rest, found := strings.CutPrefix(path, base+"/")
		return found && !strings.Contains(rest, "/")
	}
	if path == pattern {
		return true
	}
	switch pattern {
	case "appliance", "schemas", "appliance/api", "appliance/table", "appliance/sys", "provider", "examples":
		return strings.HasPrefix(path, pattern+"/")
	}
	return false
}

func layerOf(path string) *layer {
	var best *layer
	for i := range layers {
		l := &layers[i]
		p := strings.TrimSuffix(l.prefix, "/")
		if (path == p && p == l.prefix || strings.HasPrefix(path, p+"/")) && (best == nil || len(l.prefix) > len(best.prefix)) {
			best = l
		}
	}
	return best
}

func TestImportsGoOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		f := strings.Fields(line)
		path := strings.TrimPrefix(f[0], module)
		l := layerOf(path)
		if l == nil {
			t.Errorf("%s belongs to no layer: add it to ARCHITECTURE.md and to this test", path)
			continue
		}
		for _, imp := range f[1:] {
			imp, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			ok := false
			for _, pattern := range l.may {
				ok = ok || allowed(pattern, imp)
			}
			if !ok {
				t.Errorf("%s imports %s: %s", path, imp, l.reason)
			}
		}
	}
}
