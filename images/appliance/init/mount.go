// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// system is what is mounted at every boot. What a kernel lacks is skipped.
var system = []struct {
	to, kind, options string
	flags             uintptr
}{
	{"/proc", "proc", "hidepid=invisible", safe},
	{"/sys", "sysfs", "", safe},
	{"/dev", "devtmpfs", "mode=0755", unix.MS_NOSUID | unix.MS_NOEXEC},
	{"/run", "tmpfs", "mode=0755,size=16m", safe},
	{"/tmp", "tmpfs", "mode=1777,size=10%", safe},
	{"/sys/fs/bpf", "bpf", "mode=0700", safe},
	{"/sys/firmware/efi/efivars", "efivarfs", "", safe},
	{"/dev/hugepages", "hugetlbfs", "", safe},
}

func mountSystem() {
	for _, m := range system {
		if m.kind == "hugetlbfs" || m.kind == "tmpfs" || m.kind == "proc" || m.kind == "sysfs" || m.kind == "devtmpfs" {
			_ = os.MkdirAll(m.to, 0o755)
		}
		_ = unix.Mount(m.kind, m.to, m.kind, m.flags, m.options)
	}
	_ = os.MkdirAll(runDir, 0o755)
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 65536, Max: 1 << 20})
	for file, value := range map[string]string{
		"/proc/sys/kernel/panic":                       "10", // seconds to the restart, which boot counting counts
		"/proc/sys/kernel/kptr_restrict":               "2",
		"/proc/sys/kernel/dmesg_restrict":              "1",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6": "1", // data interfaces say nothing unasked
		"/proc/sys/net/core/bpf_jit_enable":            "1",
	} {
		_ = os.WriteFile(file, []byte(value), 0)
	}
}

// sealRoot makes everything but DATA and the tmpfs read-only.
func sealRoot() {
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		logf(warning, "the root file system stays writable: %v", err)
	}
}
