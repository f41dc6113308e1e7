// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command hang stands in for bessd in a broken image: the first time it says
// that it is ready, and hangs; later it ends at once.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	const mark = "/run/bess/hung"
	if _, err := os.Stat(mark); err == nil {
		fmt.Println("broken again")
		os.Exit(1)
	}
	err := os.WriteFile(mark, nil, 0o600)
	c, err2 := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	if err2 == nil {
		_, err2 = c.Write([]byte("READY=1"))
	}
	fmt.Println("hangs from now on:", err, err2)
	time.Sleep(time.Hour)
}
