// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package noop_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/noop"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", noop.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("n", noop.Class, nil)
	h.NoTaskAllocs("n", 0)
}

func TestClassIsATask(t *testing.T) {
	if c := noop.Class; !c.Task || c.IGates != 0 || c.OGates != 0 || c.Workers() != 1 {
		t.Errorf("task %v, gates %d in, %d out, %d workers", c.Task, c.IGates, c.OGates, c.Workers())
	}
}
