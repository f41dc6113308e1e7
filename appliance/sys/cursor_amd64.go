// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sys

// storeRelease stores n at p. All stores of this processor become visible in
// their order and after what it loaded before, so that a plain one will do.
//
//go:noescape
func storeRelease(p *uint64, n uint64)
