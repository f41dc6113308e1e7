// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package all

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// No class may allocate while packets pass. What passes is that of the
// class's example, in the state that the example leaves.
func TestNoClassAllocates(t *testing.T) {
	for _, c := range Classes() {
		t.Run(c.Name, func(t *testing.T) {
			if strings.HasPrefix(c.Name, "Port") || strings.HasPrefix(c.Name, "Queue") && c.Name != "Queue" {
				noAllocsWithPort(t, c)
				return
			}
			file := filepath.Join("..", strings.ToLower(c.Name), "example.txtar")
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if moduletest.NoAllocsInScript(t, file, ar, Classes()...) == 0 {
				t.Errorf("%s sends no packet", file)
			}
		})
	}
}

// noAllocsWithPort looks at the classes that receive from and send to ports.
func noAllocsWithPort(t *testing.T, c *module.Class) {
	h := moduletest.New(t)
	p, d, err := porttest.New("lan", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.AddPort(p)
	arg, finds := args.Decode(c.Arg.ProtoReflect().Descriptor(), map[string]any{"port": "lan"}, args.Options{})
	if len(finds) > 0 {
		t.Fatal(args.Text(finds))
	}
	h.MustCreate("m", c, arg)
	d.Endless(0)
	if c.OGates == 0 {
		h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("T1"))
		return
	}
	h.NoTaskAllocs("m", 0)
	d.Offer(0, moduletest.Frame("U1"), moduletest.Frame("T1"))
	h.NoTaskAllocs("m", 0)
}
