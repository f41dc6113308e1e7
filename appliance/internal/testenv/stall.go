// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"fmt"
	"os/exec"
	"time"
)

// Stall makes the far end of a veth pair slow: once frames have come it takes no
// more for so long, and the near end has room for 256. 0 ends that. The kernel's
// way to hold interrupts of a device back is used (gro_flush_timeout,
// napi_defer_hard_irqs in Documentation/networking/napi.rst), in the namespace's
// own /sys.
func (n *Namespace) Stall(near, far string, d time.Duration) {
	n.t.Helper()
	n.Do(func() error {
		// An end receives by polling if that may spare it work.
		script := `ethtool -K "$0" tso off && ethtool -K "$1" gro on && mount -t sysfs none /sys && cd "/sys/class/net/$1" &&
			echo 1000000 >napi_defer_hard_irqs && echo "$2" >gro_flush_timeout`
		out, err := exec.Command("unshare", "-m", "sh", "-c", script, near, far, fmt.Sprint(d.Nanoseconds())).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", far, err, out)
		}
		return nil
	})
}
