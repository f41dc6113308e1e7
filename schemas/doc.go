// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package schemas knows every message, module class, port driver and gate hook
// of the appliance without a daemon: descriptors with their comments and
// rules, and tables of what classes, drivers and hooks offer. Everything is
// derived from the .proto files and the Go declarations (make generate) and
// embedded.
package schemas
