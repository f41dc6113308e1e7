// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package unixsock is the driver UnixSocketPort: packets as messages on a
// local socket (spec: ports.md section 2.3).
package unixsock

import (
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/localsock"
)

// Driver listens on a local socket (AF_UNIX, SOCK_SEQPACKET) and serves one
// client at a time: one message is one packet, in both directions.
var Driver = &port.Driver{
	Name:   "UnixSocketPort",
	Prefix: "unix_port",
	Help:   "exchanges packets with a program on this host, as messages on a local socket",
	Arg:    &UnixSocketPortArg{},
	New:    port.New(create),
}

const (
	// defaultDir is where sockets without a path go.
	defaultDir = "/tmp/bess_unix_"
	// defaultInterval is the least time between polls of an idle socket.
	defaultInterval = 50_000
	// maxInterval is what longer intervals, in nanoseconds, are taken for:
	// 36 years.
	maxInterval = 1 << 60
	// confirmation is what a client is greeted with, if asked for.
	confirmation = "yes\x00"
)

// create opens the port. Errors: EINVAL for more than one queue, for a path
// that no address can hold or that names something else than a socket,
// EADDRINUSE for a socket that is in use, and what the kernel answers.
func create(cfg *port.Config, arg *UnixSocketPortArg) (*device, error) {
	if cfg.NumInc > 1 || cfg.NumOut > 1 {
		return nil, errno.Errorf(errno.EINVAL, "Cannot have more than 1 queue per RX/TX: num_inc_q %d, num_out_q %d",
			cfg.NumInc, cfg.NumOut)
	}
	path, err := pathOf(cfg.Name, arg.GetPath())
	if err != nil {
		return nil, err
	}
	d := &device{path: path, greet: arg.GetConfirmConnect(), hz: sys.CyclesPerSecond()}
	d.setInterval(arg.GetMinRxIntervalNs())
	if err := d.open(); err != nil {
		d.release()
		return nil, err
	}
	d.ended.Go(d.serve)
	return d, nil
}

// pathOf returns the socket's path, "@" in front of an abstract one.
func pathOf(name, path string) (string, error) {
	if path == "" {
		if strings.Contains(name, "/") {
			return "", errno.Errorf(errno.EINVAL, "path: must be given, because the port's name %q contains a slash", name)
		}
		path = defaultDir + name
	}
	return path, localsock.CheckPath(path)
}
