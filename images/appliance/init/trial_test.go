// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestOnlyAnotherImageIsWorthATry(t *testing.T) {
	const mine = "bess-b+2-1.efi"
	for file, want := range map[string]bool{
		"bess-a.efi": true, "bess-a+1-2.efi": true, "bess-a+3.efi": true, "BESS-A.EFI": true,
		"bess-a+0-3.efi": false, "bess-a+0.efi": false, // used up
		"bess-b+2-1.efi": false, "bess-b.efi": false, "BESS-B.EFI": false, // the same slot
		"debian.efi": false, "bess-a.efi.new": false,
	} {
		if worthATry(file, mine) != want {
			t.Errorf("%s: %v", file, !want)
		}
	}
}
