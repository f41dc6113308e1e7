// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// maxNodes is the width of the API's NUMA node masks.
const maxNodes = 16

// PoolDump is the state of the packet pool.
type PoolDump struct {
	Node, Capacity, Available, CacheSize, ElementSize int
	RingBytes                                         uint64
}

// DumpMempool returns the packet pool of a NUMA node, or of all nodes if node
// is -1. This engine has one pool, on node 0; other nodes have none. Errors:
// EINVAL for a node out of range.
func (e *Engine) DumpMempool(node int) ([]PoolDump, error) {
	if node < -1 || node >= maxNodes {
		return nil, errno.Errorf(errno.EINVAL, "socket: %d: must be -1 (all) or 0..%d", node, maxNodes-1)
	}
	if node > 0 {
		return nil, nil
	}
	return []PoolDump{{Capacity: e.pool.Capacity(), Available: e.pool.Available(), CacheSize: e.pool.CacheSize(),
		ElementSize: packet.Stride + packet.MetadataSize, RingBytes: e.pool.FreeListBytes()}}, nil
}
