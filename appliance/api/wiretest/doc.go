// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package wiretest compares the messages and methods that the appliance links
// with wire.lock, the wire contract that existing clients rely on, and with
// own.lock, the fields that the appliance adds to it. It has tests only.
package wiretest
