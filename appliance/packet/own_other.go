// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

import "sync/atomic"

func own([]Packet) {}

func ownAhead(*Packet, *atomic.Uint64) {}
