// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/bpf"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", bpf.Class) }

func arg(filters ...string) *bpf.BPFArg {
	a := &bpf.BPFArg{}
	for i, f := range filters {
		a.Filters = append(a.Filters, &bpf.BPFArg_Filter{Filter: f, Gate: int64(i + 1)})
	}
	return a
}

// Errors name the filter and the place in it.
func TestErrorTexts(t *testing.T) {
	_, err := bpf.Class.New(module.NewEnv("m", nil, nil), arg("udp", "tcp prt 80"))
	want := `filters[1].filter: BPF compilation error: "tcp prt 80": at character 5: "prt" is unexpected; and, or, or the end must stand here`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = bpf.Class.New(module.NewEnv("m", nil, nil), arg(make([]string, 4097)...))
	if errno.Code(err) != errno.ENOSPC {
		t.Errorf("4097 filters: %v", err)
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("bpf", bpf.Class, arg("udp"))
	sent := h.Storm("bpf", 3, [][]byte{moduletest.Frame("U1"), moduletest.Frame("U1")}, func() {
		for i := range 1000 {
			f := arg(fmt.Sprintf("tcp port %d", i), "udp and len > 100")
			for _, cmd := range []string{"add", "delete"} {
				if _, err := h.Command("bpf", cmd, f); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if n := h.Counter("bpf", "unmatched"); n != 0 || sent == 0 {
		t.Errorf("%d of %d packets missed a filter that stayed", n, sent)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("bpf", bpf.Class, arg("tcp port 80 or ip[8] * 2 = 5", "udp"))
	h.NoAllocs("bpf", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, bpf.Class, func(seed []byte) proto.Message { return moduletest.NewDrawer(seed).Message(bpf.Class.Arg) })
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, bpf.Class, nil) }

// BenchmarkPipeline is Source -> Rewrite -> BPF -> Sink, with UDP and TCP in
// turn.
func BenchmarkPipeline(b *testing.B) {
	frames := [][]byte{append(moduletest.Frame("U1"), make([]byte, 8)...), moduletest.Frame("T1")[:60]}
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: frames}}
	src, out := moduletest.Stage{Class: source.Class}, moduletest.Stage{Class: sink.Class}
	for _, f := range []string{"udp", "ip", "host 10.0.0.1 and udp dst port 10002", "tcp[tcpflags] & tcp-syn != 0", "len > 60 and ip[8] * 2 = 5"} {
		b.Run(f, func(b *testing.B) {
			moduletest.BenchPipeline(b, 2, nil, src, rw, moduletest.Stage{Class: bpf.Class, Arg: arg(f)}, out)
		})
	}
	b.Run("without", func(b *testing.B) { moduletest.BenchPipeline(b, 1, nil, src, rw, out) })
}
