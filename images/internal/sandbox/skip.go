// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"os"
	"os/exec"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// check skips the test unless a sandbox can be made.
func check(t testing.TB) {
	t.Helper()
	need.Programs(t, "unshare", "nsenter", "mount", "ip", "chroot")
	if os.Geteuid() != 0 {
		need.Skip(t, need.NoRoot, "namespaces")
	}
	if out, err := exec.Command("unshare", "--mount", "--pid", "--net", "--fork", "true").CombinedOutput(); err != nil {
		need.Skip(t, need.NoKernel, "namespaces: "+string(out))
	}
}
