// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"os"
	"testing"

	"github.com/google/gopacket/pcapgo"
)

// readCapture returns the packets of a capture file, as far as it is written.
func readCapture(t testing.TB, path string) (all [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		return nil
	}
	for {
		b, _, err := r.ReadPacketData()
		if err != nil {
			return all
		}
		all = append(all, b)
	}
}
