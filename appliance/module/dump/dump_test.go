// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package dump_test

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/module/dump"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", dump.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, dump.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", dump.Class, &dump.DumpArg{Interval: 1e9})
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, dump.Class, &dump.DumpArg{Interval: 1e9}, moduletest.Frame("U1"))
}

// records collects what is logged.
type records struct {
	mu    sync.Mutex
	attrs []map[string]string
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }

func (r *records) Handle(_ context.Context, rec slog.Record) error {
	m := map[string]string{"msg": rec.Message}
	rec.Attrs(func(a slog.Attr) bool { m[a.Key] = a.Value.String(); return true })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attrs = append(r.attrs, m)
	return nil
}

// BESS wrote to standard output and did not say which module. Metadata in use
// is shown.
func TestWhatIsWritten(t *testing.T) {
	h := moduletest.New(t)
	log := &records{}
	h.LogTo(log)
	h.WatchAttr("x")
	h.MustCreate("meta", setmetadata.Class, &setmetadata.SetMetadataArg{Attrs: []*setmetadata.SetMetadataArg_Attribute{
		{Name: "x", Size: 4, Value: &setmetadata.SetMetadataArg_Attribute_ValueInt{ValueInt: 0x01020304}}}})
	h.MustCreate("look", dump.Class, nil)
	h.Connect("meta", 0, "look", 0)
	h.Send("meta", 0, moduletest.Frame("U1"), moduletest.Frame("A1"))
	h.Destroy("look") // waits for the log
	want := map[string]string{"msg": "packet", "module": "look", "bytes": "52", "data": moduletest.Frames["U1"], "metadata": "01020304"}
	if len(log.attrs) != 1 || !maps.Equal(log.attrs[0], want) {
		t.Errorf("logged %v, want %v", log.attrs, want)
	}
}

func TestIntervals(t *testing.T) {
	for _, tt := range []struct {
		interval float64
		want     uint64
	}{{1e-9, 5}, {1e300, 1}, {math.Inf(1), 1}} {
		h := moduletest.New(t)
		h.MustCreate("m", dump.Class, &dump.DumpArg{Interval: tt.interval})
		deadline := time.Now().Add(time.Minute)
		for i := 0; i < 50 || h.Counter("m", "dumped") < tt.want && time.Now().Before(deadline); i++ {
			h.Send("m", 0, []byte{1})
		}
		if got := h.Counter("m", "dumped"); got < tt.want || tt.want == 1 && got != 1 {
			t.Errorf("interval %v: %d packets written", tt.interval, got)
		}
		h.Out("m", 0)
	}
}

// A packet longer than a buffer is shown up to its 2048th byte.
func TestLongPacket(t *testing.T) {
	h := moduletest.New(t)
	log := &records{}
	h.LogTo(log)
	h.MustCreate("m", dump.Class, nil)
	h.Send("m", 0, make([]byte, 9000))
	h.Destroy("m")
	if len(log.attrs) != 1 || log.attrs[0]["bytes"] != "9000" || len(log.attrs[0]["data"]) != 2*2048 {
		t.Errorf("logged %v", log.attrs)
	}
}
