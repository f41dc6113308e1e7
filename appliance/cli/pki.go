// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

func pkiCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pki",
		Short: "Make the certificates that the API wants off-host",
		Long: "Makes a certificate authority, and certificates of daemons and of clients, as\nfiles. A client's certificate carries its name and its role: reader, operator or\nadmin. " +
			"Files that exist are kept unless --force is given.",
		Example: "  bessctl pki init\n  bessctl pki server --host bess1.example --ip 192.0.2.1\n  bessctl pki client --role operator --name terraform\n  bessctl pki show terraform.crt",
		Args:    cobra.ArbitraryArgs,
		RunE:    noVerb,
	}
	cmd.AddCommand(pkiInit(a), pkiServer(a), pkiClient(a), pkiShow(a))
	return cmd
}

// pkiFlags are what the verbs that make files share.
type pkiFlags struct {
	dir, name, kind string
	days            int
	force           bool
}

func (p *pkiFlags) define(cmd *cobra.Command, name string, valid time.Duration) {
	f := cmd.Flags()
	f.StringVar(&p.dir, "dir", ".", "`directory` of the files; the authority is ca.crt and ca.key there")
	f.StringVar(&p.name, "name", name, "common name")
	f.StringVar(&p.kind, "key-type", pki.KeyTypes[0], "ecdsa (P-256) or ed25519")
	f.IntVar(&p.days, "days", int(valid/(24*time.Hour)), "how long the certificate is valid")
	f.BoolVar(&p.force, "force", false, "replace files that exist")
}

func (p *pkiFlags) path(name string) string { return filepath.Join(p.dir, name) }

// valid returns the length of a certificate's life.
func (p *pkiFlags) valid() (time.Duration, error) {
	const most = 100 * 365
	if p.days < 1 || p.days > most {
		return 0, fmt.Errorf("--days %d: must be 1..%d", p.days, most)
	}
	return time.Duration(p.days) * 24 * time.Hour, nil
}

// free checks that files may be written.
func (p *pkiFlags) free(names ...string) error {
	for _, name := range names {
		if _, err := os.Lstat(p.path(name)); err == nil && !p.force {
			return fmt.Errorf("%s exists; --force replaces it", p.path(name))
		}
	}
	return nil
}

// authority reads ca.crt and ca.key.
func (p *pkiFlags) authority() (*pki.Pair, error) {
	ca, err := pki.ReadPair(p.path("ca.crt"), p.path("ca.key"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; `bessctl pki init` makes an authority", err)
	}
	return ca, err
}

// store writes a key and its certificate as base.key and base.crt, and shows
// the certificate.
func (p *pkiFlags) store(a *app, base string, key crypto.Signer, cert *x509.Certificate) error {
	if err := pki.WriteKey(p.path(base+".key"), key, p.force); err != nil {
		return err
	}
	if err := pki.WriteCerts(p.path(base+".crt"), p.force, cert); err != nil {
		return err
	}
	return a.showCertificates(p.path(base+".crt"), []*x509.Certificate{cert})
}

func pkiInit(a *app) *cobra.Command {
	var p pkiFlags
	cmd := &cobra.Command{
		Use:               "init",
		Short:             "Make a certificate authority",
		Long:              "Makes a certificate authority: ca.crt, for daemons (-tls_ca) and clients (--ca),\nand ca.key, with which certificates are signed: keep it off the daemons.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			valid, err := p.valid()
			if err != nil {
				return err
			}
			if err := p.free("ca.key", "ca.crt"); err != nil {
				return err
			}
			key, err := pki.NewKeyOf(p.kind)
			if err != nil {
				return err
			}
			ca, err := pki.NewAuthority(p.name, key, time.Now(), valid)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(p.dir, 0o755); err != nil {
				return err
			}
			return p.store(a, "ca", key, ca.Cert)
		},
	}
	p.define(cmd, "bess authority", pki.AuthorityValidity)
	return cmd
}

func pkiServer(a *app) *cobra.Command {
	var p pkiFlags
	var hosts []string
	var ips []net.IP
	cmd := &cobra.Command{
		Use:               "server",
		Short:             "Make the certificate of a daemon",
		Long:              "Makes server.crt and server.key for a daemon (-tls_cert, -tls_key). It must be\nfor all names and addresses that clients connect to. With another --name the\nfiles are called so.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return p.issue(a, func(ca *pki.Pair, key crypto.Signer, valid time.Duration) (*x509.Certificate, error) {
				if len(hosts)+len(ips) == 0 {
					return nil, errors.New("--host and --ip: give the names or addresses that clients connect to")
				}
				pair, err := ca.IssueServer(pki.Server{Name: p.name, Hosts: hosts, IPs: ips, Valid: valid}, key)
				if err != nil {
					return nil, err
				}
				return pair.Cert, nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "host `names`, comma-separated")
	cmd.Flags().IPSliceVar(&ips, "ip", nil, "IP `addresses`, comma-separated")
	p.define(cmd, "server", pki.LeafValidity)
	return cmd
}

func pkiClient(a *app) *cobra.Command {
	var p pkiFlags
	var role string
	cmd := &cobra.Command{
		Use:               "client --role ROLE --name NAME",
		Short:             "Make the certificate of a client",
		Long:              "Makes NAME.crt and NAME.key for a client (--cert, --key). NAME is what the\ndaemon calls the client in its audit log; ROLE is reader, operator or admin.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			r, err := pki.ParseRole(role)
			if err != nil {
				return fmt.Errorf("--%w", err)
			}
			if err := pki.CheckName(p.name); err != nil {
				return fmt.Errorf("--%w", err)
			}
			return p.issue(a, func(ca *pki.Pair, key crypto.Signer, valid time.Duration) (*x509.Certificate, error) {
				return ca.IssueClient(pki.Client{Name: p.name, Role: r, Valid: valid}, key.Public())
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "reader, operator or admin")
	p.define(cmd, "", pki.LeafValidity)
	return cmd
}

// issue makes a key, has its certificate signed, and writes both.
func (p *pkiFlags) issue(a *app, sign func(*pki.Pair, crypto.Signer, time.Duration) (*x509.Certificate, error)) error {
	valid, err := p.valid()
	if err != nil {
		return err
	}
	if p.name != filepath.Base(p.name) || p.name == "ca" {
		return fmt.Errorf("--name %q: must be a file name other than ca", p.name)
	}
	if err := p.free(p.name+".key", p.name+".crt"); err != nil {
		return err
	}
	ca, err := p.authority()
	if err != nil {
		return err
	}
	key, err := pki.NewKeyOf(p.kind)
	if err != nil {
		return fmt.Errorf("--key-type: %w", err)
	}
	cert, err := sign(ca, key, valid)
	if err != nil {
		return err
	}
	return p.store(a, p.name, key, cert)
}

// certificate is what show tells about one.
type certificate struct {
	File string `json:"file"`
	Name string `json:"name"`
	// Kind is "authority", "daemon" or "client".
	Kind        string   `json:"kind"`
	Role        string   `json:"role"`
	For         []string `json:"for"`
	Issuer      string   `json:"issuer"`
	NotBefore   string   `json:"not_before"`
	NotAfter    string   `json:"not_after"`
	Fingerprint string   `json:"fingerprint"`
	Problem     string   `json:"problem"`
}

func newCertificate(file string, c *x509.Certificate) certificate {
	d := certificate{File: file, Name: c.Subject.CommonName, Kind: "daemon", For: append([]string{}, c.DNSNames...), Issuer: c.Issuer.CommonName,
		NotBefore: c.NotBefore.UTC().Format(time.RFC3339), NotAfter: c.NotAfter.UTC().Format(time.RFC3339), Fingerprint: pki.Fingerprint(c)}
	for _, ip := range c.IPAddresses {
		d.For = append(d.For, ip.String())
	}
	role, err := pki.RoleOf(c)
	switch {
	case c.IsCA:
		d.Kind = "authority"
	case len(c.URIs) > 0 || len(d.For) == 0:
		d.Kind = "client"
		if d.Role = role.String(); err != nil {
			d.Role, d.Problem = "", err.Error()
		}
	}
	if why := pki.Outdated(c, "it", time.Now()); why != "" {
		d.Problem = why
	}
	return d
}

func pkiShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE…",
		Short: "Tell what is in certificate files",
		Long: "Tells whose certificates are in files, with role, validity and SHA-256\nfingerprint.\n\n" +
			"JSON: a list of file, name, kind (authority, daemon or client), role, for (names\nand addresses of a daemon), issuer, not_before, not_after, fingerprint, problem.",
		Args: words("FILE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, files []string) error {
			list := []certificate{}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				certs, err := pki.ParseCerts(text)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				for _, c := range certs {
					list = append(list, newCertificate(file, c))
				}
			}
			return a.emit(list, func(w io.Writer) { drawCertificates(w, list) })
		},
	}
}

func (a *app) showCertificates(file string, certs []*x509.Certificate) error {
	list := []certificate{}
	for _, c := range certs {
		list = append(list, newCertificate(file, c))
	}
	return a.emit(list, func(w io.Writer) { drawCertificates(w, list) })
}

func drawCertificates(w io.Writer, list []certificate) {
	for _, d := range list {
		fmt.Fprintf(w, "%s: %s %s", d.File, d.Kind, printable(d.Name))
		if d.Role != "" {
			fmt.Fprintf(w, ", role %s", d.Role)
		}
		fmt.Fprintf(w, "\n  issued by    %s\n  valid        %s to %s\n  fingerprint  %s\n", printable(d.Issuer), d.NotBefore, d.NotAfter, d.Fingerprint)
		for _, name := range d.For {
			fmt.Fprintf(w, "  for          %s\n", printable(name))
		}
		if d.Problem != "" {
			fmt.Fprintf(w, "  problem      %s\n", printable(d.Problem))
		}
	}
}
