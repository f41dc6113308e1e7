// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package genericdecap_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/genericdecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", genericdecap.Class) }

// Only the first segment can be removed from, and the rest stays.
func TestSegmentedPacket(t *testing.T) {
	frame := make([]byte, 5000)
	for i := range frame {
		frame[i] = byte(i)
	}
	h := moduletest.New(t)
	h.MustCreate("m", genericdecap.Class, &genericdecap.GenericDecapArg{Bytes: 1000})
	h.Send("m", 0, frame)
	if out := h.Out("m", 0); len(out) != 1 || string(out[0]) != string(frame[1000:]) {
		t.Errorf("%d packets", len(out))
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", genericdecap.Class, &genericdecap.GenericDecapArg{Bytes: 14})
	h.NoAllocs("m", moduletest.Frame("U1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, genericdecap.Class, func(seed []byte) proto.Message {
		a := &genericdecap.GenericDecapArg{}
		for _, b := range seed {
			a.Bytes = a.Bytes*7 + uint64(b)
		}
		return a
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, genericdecap.Class, &genericdecap.GenericDecapArg{Bytes: 14}, moduletest.Frame("U1"))
}
