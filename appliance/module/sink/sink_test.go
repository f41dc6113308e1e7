// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sink_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", sink.Class) }

// SS9: no output gate exists, so connecting one is refused.
func TestSS9HasNoOutputGate(t *testing.T) {
	if sink.Class.OGates != 0 || sink.Class.IGates != 1 {
		t.Errorf("gates %d in, %d out", sink.Class.IGates, sink.Class.OGates)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("s", sink.Class, nil)
	h.NoAllocs("s", moduletest.Frame("U1"), make([]byte, 5000))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, sink.Class, func([]byte) proto.Message { return nil })
}

func BenchmarkSink(b *testing.B) { moduletest.Bench(b, sink.Class, nil, make([]byte, 60)) }
