// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tap makes network interfaces whose other end is the engine
// (Documentation/networking/tuntap.rst of the kernel): what programs send
// through the interface is received here, what is sent here they receive.
//
// The interface may be in another network namespace. It is made in that of the
// engine and moved, because a descriptor of a TAP device keeps the namespace it
// was opened in: so a container can end while the engine has its interface.
// Its name and namespace are asked of the descriptor whenever they are needed:
// the interface may have been renamed or moved on.
package tap
