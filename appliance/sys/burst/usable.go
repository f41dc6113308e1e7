// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Usable returns why an interface of the calling thread's network namespace is
// not one to be sent out of so, nil if it is: an end of a veth pair with one
// queue to send through and no traffic control. That hands a frame over at once,
// so that nothing depends on what a socket says of it elsewhere: which queue it
// is for, or how much may wait in the interface. Errors: ENOTSUP.
func Usable(link netlink.Link) error {
	if link.Type() != "veth" {
		return errno.Errorf(errno.ENOTSUP, "the interface is none of a veth pair")
	}
	a := link.Attrs()
	queues := a.NumTxQueues
	if _, tx, ok := sys.Channels(a.Name); ok && tx > 0 {
		queues = tx
	}
	if queues != 1 {
		return errno.Errorf(errno.ENOTSUP, "the interface has %d queues to send through", queues)
	}
	disciplines, err := netlink.QdiscList(link)
	if err != nil {
		return fmt.Errorf("list queueing disciplines: %w", err)
	}
	for _, d := range disciplines {
		if d.Attrs().LinkIndex == a.Index && d.Type() != "noqueue" {
			return errno.Errorf(errno.ENOTSUP, "the interface has the queueing discipline %s", d.Type())
		}
	}
	return nil
}
