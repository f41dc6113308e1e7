// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"os"
	"path/filepath"
	"testing"
)

func TestConditionsOfTheImage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "image.json")
	c := &Conditions{}
	c.addImage(file)
	if list := c.List(); len(list) != 0 {
		t.Fatalf("conditions out of nothing: %v", list)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.addImage(file)
	}
	write(`{"version": "1", "conditions": [{"name": "data", "ok": false, "reason": "no disk"}, {"name": "clock", "ok": true}]}`)
	list := c.List()
	if len(list) != 2 || list[0].Name != "image.data" || list[0].OK || list[0].Reason != "no disk" || !list[1].OK {
		t.Fatalf("%+v", list)
	}
	write(`{"conditions": [{"name": "data", "ok": true}]}`)
	if list = c.List(); !list[0].OK || list[0].Reason != "" {
		t.Fatalf("%+v", list)
	}
	write(`nonsense`)
	if list = c.List(); len(list) != 3 || list[2].Name != "image.facts" || list[2].OK {
		t.Fatalf("%+v", list)
	}
}
