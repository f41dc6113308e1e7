// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestSmoke(t *testing.T) {
	e, err := engine.New(engine.Options{Classes: []*module.Class{source.Class, sink.Class, bypass.Class}, Buffers: 262144,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = e.CreateModule("src", "Source", nil)
	must(err)
	_, err = e.CreateModule("sink", "Sink", nil)
	must(err)
	must(e.Connect("src", 0, "sink", 0, false))
	e.ResumeAll()
	for range 3 {
		s0, _ := e.TCStats("!leaf_src:0")
		t0 := time.Now()
		time.Sleep(500 * time.Millisecond)
		s1, _ := e.TCStats("!leaf_src:0")
		t.Logf("%.1f Mpps", float64(s1.Packets-s0.Packets)/time.Since(t0).Seconds()/1e6)
	}
	t.Log(e.ListWorkers(), e.CheckConstraints())
}
