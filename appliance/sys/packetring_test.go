// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import "testing"

// Frames are as long as is asked for, unless all together take too much memory.
func TestShapeOfFrames(t *testing.T) {
	const most = 256 << 20
	for _, c := range []struct {
		longest, queues, frames int
		shape                   string
		more                    bool // than the bound, with the shortest frames
	}{
		{1522, 1, 1024, "1036 frames of 1728 bytes", false},
		{9022, 8, 1024, "1029 frames of 9152 bytes", false},
		{65557, 1, 1024, "1024 frames of 65472 bytes", false},
		{65557, 8, 1024, "1024 frames of 32704 bytes", false},
		{65557, 128, 1024, "1056 frames of 1984 bytes", false},
		{1522, 128, 1024, "1036 frames of 1728 bytes", false},
		{65557, 128, 4096, "4107 frames of 1728 bytes", true},
	} {
		r := &PacketRing{}
		r.shapeFrames(&RingOptions{Frames: c.frames, Longest: c.longest, Memory: most / c.queues, Shortest: 1522})
		if r.Shape() != c.shape {
			t.Errorf("%+v: %s", c, r.Shape())
		}
		if all := c.queues * r.n / r.each * r.piece; all > most != c.more {
			t.Errorf("%+v: %d MiB", c, all>>20)
		}
	}
}
