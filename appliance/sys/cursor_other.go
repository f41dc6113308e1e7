// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || race

package sys

import "sync/atomic"

func storeRelease(p *uint64, n uint64) { atomic.StoreUint64(p, n) }
