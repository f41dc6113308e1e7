// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Listen opens the listening socket of an address: host:port, unix:/path,
// unix:relative, unix:///path or unix-abstract:name. An address that somebody
// else uses is an error: it is never shared. A socket file that nobody
// listens on any more is replaced; any other file is left alone.
func Listen(url string) (net.Listener, error) {
	if name, ok := strings.CutPrefix(url, "unix-abstract:"); ok {
		return listen("unix", "@"+name)
	}
	path, ok := strings.CutPrefix(url, "unix:")
	if !ok {
		return listen("tcp", url)
	}
	path = strings.TrimPrefix(path, "//")
	if err := clearStale(path); err != nil {
		return nil, err
	}
	return listen("unix", path)
}

func listen(network, addr string) (net.Listener, error) {
	l, err := net.Listen(network, addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: address is in use: another bessd or another program has it; choose another with -grpc_url", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// clearStale removes a socket that is left over from a daemon that is gone.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen on unix:%s: %w", path, err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("listen on unix:%s: the file exists and is not a socket", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("listen on unix:%s: address is in use: another program listens there", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("listen on unix:%s: remove left-over socket: %w", path, err)
	}
	return nil
}
