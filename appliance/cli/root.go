// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is bessctl, the operator's tool: a client of a daemon. Every
// verb has a file of its own and a line in commands.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// Streams are what the program reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what the verbs share.
type app struct {
	Streams
	version string
	address string
	tls     client.TLS
	output  string
	timeout time.Duration
	// wait lets time pass; false if the context ended first.
	wait func(ctx context.Context, d time.Duration) bool
}

// commands lists the verbs in the order of the help text.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		showCommand(a),
		monitorCommand(a),
		applyCommand(a),
		diffCommand(a),
		validateCommand(a),
		exportCommand(a),
		historyCommand(a),
		rollbackCommand(a),
		commandCommand(a),
		explainCommand(a),
		pauseCommand(a),
		resumeCommand(a),
		benchCommand(a),
		daemonCommand(a),
		healthCommand(a),
		factsCommand(a),
		logCommand(a),
		shutdownCommand(a),
		rebootCommand(a),
		pkiCommand(a),
		enrollCommand(a),
		tokenCommand(a),
		versionCommand(a),
	}
}

// The formats that --output knows everywhere. A verb with others has a flag of
// its own.
const (
	asTable = "table"
	asJSON  = "json"
	asYAML  = "yaml"
)

// NewRoot returns the command line of bessctl.
func NewRoot(version string, s Streams) *cobra.Command {
	return newRoot(&app{Streams: s, version: version, wait: realWait})
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "bessctl",
		Short: "Watch and change the packet pipeline of a bessd",
		Long: "bessctl watches and changes the packet pipeline of a running bessd.\n\n" +
			"The daemon is found at --address, else at the address in the environment\nvariable BESS_ADDRESS, else at " + client.DefaultAddress + ".\n\n" +
			"A daemon on another machine wants a certificate: --ca, --cert and --key, or the\nenvironment variables BESS_CA, BESS_CERT, BESS_KEY and BESS_SERVER_NAME.",
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          noVerb,
		Args:          cobra.ArbitraryArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.check()
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	address := os.Getenv(client.EnvAddress)
	if address == "" {
		address = client.DefaultAddress
	}
	f := root.PersistentFlags()
	f.StringVar(&a.address, "address", address, "where the daemon listens: host:port, host or unix:/path")
	env := client.TLSFromEnv()
	f.StringVar(&a.tls.CA, "ca", env.CA, "PEM `file` with the authority that signed the daemon's certificate")
	f.StringVar(&a.tls.Cert, "cert", env.Cert, "PEM `file` with your certificate")
	f.StringVar(&a.tls.Key, "key", env.Key, "PEM `file` with the key of --cert")
	f.StringVar(&a.tls.ServerName, "server-name", env.ServerName, "`name` in the daemon's certificate, if it is not that of --address")
	hideTexts(f, "ca", "cert", "key")
	f.StringVarP(&a.output, "output", "o", asTable, "output `format`: table, json or yaml")
	f.DurationVar(&a.timeout, "timeout", client.DefaultTimeout, "how long the daemon may take to answer")
	root.AddCommand(commands(a)...)
	return root
}

// check looks at the flags that all verbs have.
func (a *app) check() error {
	switch a.output {
	case asTable, asJSON, asYAML:
	default:
		return fmt.Errorf("--output %q: must be table, json or yaml", a.output)
	}
	if a.timeout <= 0 {
		return fmt.Errorf("--timeout %v: must be positive", a.timeout)
	}
	return nil
}

// dial prepares a connection to the daemon. The caller closes it.
func (a *app) dial() (*client.Client, error) { return a.dialAt(a.address, a.timeout) }

// dialAt prepares a connection to the daemon at an address.
func (a *app) dialAt(address string, timeout time.Duration) (*client.Client, error) {
	return client.Dial(address, client.Options{Timeout: timeout, UserAgent: "bessctl/" + a.version, TLS: a.tls})
}

// with calls f with a connection to the daemon.
func (a *app) with(f func(c *client.Client) error) error {
	c, err := a.dial()
	if err != nil {
		return err
	}
	err = f(c)
	a.recognise(c)
	if closed := c.Close(); err == nil {
		err = closed
	}
	return err
}

// noVerb is run for a command that only groups others.
func noVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("%sunknown command %q%s", verb(cmd), args[0], hint(args[0], names))
}

// verb returns the words that lead to a command, for the beginning of errors:
// "show module: ".
func verb(cmd *cobra.Command) string {
	_, path, ok := strings.Cut(cmd.CommandPath(), " ")
	if !ok {
		return ""
	}
	return path + ": "
}

// statusError is an outcome that the exit status alone tells.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs bessctl and returns its exit status: 0, or 1 after an error, or
// what the verb documents. SIGINT and SIGTERM end it in order.
func Main(version string, args []string, s Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return execute(ctx, &app{Streams: s, version: version, wait: realWait}, args)
}

func execute(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	return a.finish(root.ExecuteContext(ctx))
}

// finish tells what went wrong and returns the exit status.
func (a *app) finish(err error) int {
	var status statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(a.Err, "bessctl: %s\n", err)
	return 1
}
