// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpuencap_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/gtpuencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipchecksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", gtpuencap.Class, setmetadata.Class, l4checksum.Class, ipchecksum.Class)
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpuencap.Class, &gtpuencap.GtpuEncapArg{AddPsc: true})
	h.NoAllocs("m", []byte{1}, moduletest.Frame("U1"))
	h.MustCreate("sums", gtpuencap.Class, &gtpuencap.GtpuEncapArg{AddPsc: true, FillChecksums: true})
	h.NoAllocs("sums", []byte{1}, moduletest.Frame("U1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, gtpuencap.Class, func(seed []byte) proto.Message {
		return &gtpuencap.GtpuEncapArg{AddPsc: len(seed)%2 == 1, FillChecksums: len(seed)%4 > 1}
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, gtpuencap.Class, &gtpuencap.GtpuEncapArg{AddPsc: true}, moduletest.Frame("U1"))
}

func BenchmarkFillChecksums(b *testing.B) {
	moduletest.Bench(b, gtpuencap.Class, &gtpuencap.GtpuEncapArg{AddPsc: true, FillChecksums: true}, moduletest.Frame("U1"))
}
