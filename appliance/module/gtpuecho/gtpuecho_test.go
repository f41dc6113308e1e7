// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpuecho_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/gtpuecho"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

// An echo request of 54 bytes.
const request = "06163e1b7232021e679f4dae080045000028000100004011e570c0a80a02c0a80a010868086800140000320100040000000000070000"

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", gtpuecho.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpuecho.Class, &gtpuecho.GtpuEchoArg{S1USgwIp: 1})
	h.NoAllocs("m", []byte{1}, moduletest.Frame("U1"), moduletest.Frame(request))
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{1}, moduletest.Frame(request), uint16(0))
	moduletest.Fuzz(f, gtpuecho.Class, func(seed []byte) proto.Message {
		a := &gtpuecho.GtpuEchoArg{}
		for _, c := range seed {
			a.S1USgwIp = a.S1USgwIp<<8 | uint32(c)
		}
		return a
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, gtpuecho.Class, &gtpuecho.GtpuEchoArg{S1USgwIp: 1}, moduletest.Frame(request))
}
