// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// enrolment is what enroll needs and leaves.
type enrolment struct {
	token, fingerprint string
	name, dir          string
	force              bool
}

func (e *enrolment) path(name string) string { return filepath.Join(e.dir, name) }

func enrollCommand(a *app) *cobra.Command {
	var e enrolment
	cmd := &cobra.Command{
		Use:   "enroll --address HOST:PORT --token TOKEN --fingerprint FINGERPRINT",
		Short: "Get a certificate from a daemon that has an authority of its own",
		Long: "Exchanges a join token for a client certificate. A daemon that was started with\n-enroll shows the token and the fingerprint of its certificate in its log, on the\nconsole of a virtual machine; " +
			"for further clients `bessctl token` makes one.\n\nThe key is made here and stays here. Written are ca.crt, client.crt and\nclient.key; then it is told how they are used.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.enroll(cmd.Context(), &e) },
	}
	f := cmd.Flags()
	f.StringVar(&e.token, "token", "", "the join token")
	f.StringVar(&e.fingerprint, "fingerprint", "", "SHA-256 of the daemon's certificate")
	f.StringVar(&e.name, "name", userName(), "who you are, for the daemon's audit log")
	f.StringVar(&e.dir, "dir", defaultDir(), "`directory` of the files")
	f.BoolVar(&e.force, "force", false, "replace files that exist")
	return cmd
}

// userName is who runs this program.
func userName() string {
	if u, err := user.Current(); err == nil && pki.CheckName(u.Username) == nil {
		return u.Username
	}
	return "operator"
}

// defaultDir is where a user's certificates are.
func defaultDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "."
	}
	return filepath.Join(dir, "bess")
}

// check looks at the flags before the token is spent.
func (e *enrolment) check() error {
	if e.token == "" || e.fingerprint == "" {
		return errors.New("--token and --fingerprint: both are in the log of the daemon")
	}
	if _, err := pki.ParseFingerprint(e.fingerprint); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if err := pki.CheckName(e.name); err != nil {
		return fmt.Errorf("--%w", err)
	}
	for _, name := range []string{"ca.crt", "client.crt", "client.key"} {
		if _, err := os.Lstat(e.path(name)); err == nil && !e.force {
			return fmt.Errorf("%s exists; --force replaces it, --dir chooses another directory", e.path(name))
		}
	}
	return os.MkdirAll(e.dir, 0o700)
}

// enroll gets a certificate. The key is on the disk before the token is spent.
func (a *app) enroll(ctx context.Context, e *enrolment) error {
	if err := e.check(); err != nil {
		return err
	}
	key, err := pki.NewKey()
	if err != nil {
		return err
	}
	csr, err := pki.NewRequest(e.name, key)
	if err != nil {
		return err
	}
	fresh := e.path("client.key.new")
	if err := pki.WriteKey(fresh, key, true); err != nil {
		return err
	}
	defer func() { _ = os.Remove(fresh) }() // gone once renamed
	a.tls = client.TLS{Fingerprint: e.fingerprint}
	var resp *accesspb.EnrollResponse
	err = a.with(func(c *client.Client) error {
		resp, err = c.Enroll(ctx, e.token, csr)
		return err
	})
	if err != nil {
		return err
	}
	if err := e.write(resp, fresh); err != nil {
		return err
	}
	return a.welcome(ctx, e)
}

// write writes what the daemon answered, after a look at it.
func (e *enrolment) write(resp *accesspb.EnrollResponse, key string) error {
	chain, err := pki.ParseCerts([]byte(resp.GetChain()))
	if err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	ca, err := pki.ParseCerts([]byte(resp.GetCa()))
	if err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	if _, err := tls.X509KeyPair([]byte(resp.GetChain()), text); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if err := pki.WriteCerts(e.path("ca.crt"), true, ca...); err != nil {
		return err
	}
	if err := pki.WriteCerts(e.path("client.crt"), true, chain...); err != nil {
		return err
	}
	return os.Rename(key, e.path("client.key"))
}

// enrolled is what enroll tells.
type enrolled struct {
	Name       string `json:"name"`
	Role       string `json:"role"`
	Address    string `json:"address"`
	CA         string `json:"ca"`
	Cert       string `json:"cert"`
	Key        string `json:"key"`
	ServerName string `json:"server_name"`
}

// welcome uses the new certificate, and tells how that is done. If the
// daemon's certificate is not for the address, its other name is asked for.
func (a *app) welcome(ctx context.Context, e *enrolment) error {
	a.tls = client.TLS{CA: e.path("ca.crt"), Cert: e.path("client.crt"), Key: e.path("client.key")}
	var who *accesspb.WhoAmIResponse
	ask := func(c *client.Client) error {
		var err error
		who, err = c.WhoAmI(ctx)
		return err
	}
	err := a.with(ask)
	if err != nil {
		a.tls.ServerName = pki.ServerName
		err = a.with(ask)
	}
	if err != nil {
		return fmt.Errorf("the certificate is in %s, but cannot be used: %w", e.dir, err)
	}
	v := enrolled{Name: who.GetName(), Role: who.GetRole(), Address: a.address, CA: a.tls.CA, Cert: a.tls.Cert, Key: a.tls.Key, ServerName: a.tls.ServerName}
	return a.emit(v, func(w io.Writer) {
		fmt.Fprintf(w, "You are %s, role %s. To be recognised:\n\n", printable(v.Name), v.Role)
		for _, line := range [][2]string{{client.EnvAddress, v.Address}, {client.EnvCA, v.CA}, {client.EnvCert, v.Cert}, {client.EnvKey, v.Key}, {client.EnvServerName, v.ServerName}} {
			if line[1] != "" {
				fmt.Fprintf(w, "export %s=%s\n", line[0], quote(line[1]))
			}
		}
	})
}

// quote writes a word for a shell.
func quote(s string) string {
	if !strings.ContainsAny(s, " '\"$`\\&;|<>()*?[]#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func tokenCommand(a *app) *cobra.Command {
	var role string
	var life time.Duration
	cmd := &cobra.Command{
		Use:               "token --role ROLE",
		Short:             "Make a join token for one more client",
		Long:              "Makes a token with which one more client can enroll, at a daemon that was started\nwith -enroll. It replaces a token that nobody has used. Only an admin may.\n\nJSON: token, fingerprint, seconds.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := pki.ParseRole(role)
			if err != nil {
				return fmt.Errorf("--%w", err)
			}
			if life < time.Second || life > 24*time.Hour {
				return fmt.Errorf("--valid %v: must be 1s..24h", life)
			}
			return a.with(func(c *client.Client) error { return a.token(cmd.Context(), c, r, life) })
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "reader, operator or admin")
	cmd.Flags().DurationVar(&life, "valid", time.Hour, "how long it can be used")
	return cmd
}

func (a *app) token(ctx context.Context, c *client.Client, r pki.Role, life time.Duration) error {
	t, err := c.CreateToken(ctx, r, uint32(life/time.Second))
	if err != nil {
		return err
	}
	v := struct {
		Token       string `json:"token"`
		Fingerprint string `json:"fingerprint"`
		Seconds     uint32 `json:"seconds"`
	}{t.GetToken(), t.GetFingerprint(), t.GetSeconds()}
	return a.emit(v, func(w io.Writer) {
		fmt.Fprintf(w, "For %v, one client can get role %s with\n\nbessctl enroll --address HOST:PORT --token %s --fingerprint %s\n", life, r, v.Token, v.Fingerprint)
	})
}
