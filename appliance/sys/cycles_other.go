// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package sys

import "time"

var started = time.Now()

// Cycles returns nanoseconds since the process started where the processor's
// counter cannot be read.
func Cycles() uint64 { return uint64(time.Since(started)) }
