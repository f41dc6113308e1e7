// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package acltable

func (t *ternary) matchSet(keys *[64]Key) uint64 { return t.matchSetPortable(keys) }
