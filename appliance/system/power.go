// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// InitSocket is where an init process listens that can switch the machine off.
// It reads one line, "poweroff" or "reboot", answers one line, "ok" or what is
// in the way, and then ends its services in order.
const InitSocket = "/run/bess/init.sock"

// initPatience is how long init may take to answer.
const initPatience = 10 * time.Second

// errNoInit is what is answered where nobody can switch the machine off.
var errNoInit = errors.New("there is no init process here that can do that (nobody listens at " + InitSocket +
	"): this is not a bess image; use the machine's own tools, such as systemctl")

// askInit gives init a command.
func askInit(ctx context.Context, socket, command string) error {
	ctx, cancel := context.WithTimeout(ctx, initPatience)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if errors.Is(err, os.ErrNotExist) {
		return errNoInit
	}
	if err != nil {
		return fmt.Errorf("ask init: %w", err)
	}
	defer func() { _ = c.Close() }()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		return fmt.Errorf("ask init: %w", err)
	}
	answer, err := bufio.NewReader(io.LimitReader(c, 1024)).ReadString('\n')
	answer = strings.TrimSpace(answer)
	switch {
	case answer == "ok":
		return nil
	case answer != "":
		return fmt.Errorf("init refuses to %s: %q", command, answer)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("ask init: %w", err)
	}
	return fmt.Errorf("init did not answer to %s", command)
}
