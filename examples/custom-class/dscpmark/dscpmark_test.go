// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package dscpmark_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/examples/custom-class/dscpmark"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", dscpmark.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", dscpmark.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"))
}

func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, dscpmark.Class) }
