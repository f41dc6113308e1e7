// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"path"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// FileName is the file that a volume labelled SEED must have.
const FileName = "seed.yaml"

// Decode reads a seed.yaml; files reads what it refers to. The findings are in
// the order of the text. The Seed holds what could be read: with errors, only
// sections that none of them touches mean what was meant.
func Decode(name string, text []byte, files Files) (*Seed, []Finding) {
	d := newDecoder(name, files)
	if root := d.parse(text); root != nil {
		d.document(root)
	} else if len(d.findings) == 0 {
		d.fail(&yaml.Node{}, "", "a seed begins with apiVersion: "+APIVersion+" and kind: "+Kind, "the file is empty")
	}
	d.Digest = digest(text, d.Declaration)
	return d.Seed, d.sorted()
}

type decoder struct {
	*reader
	*Seed
	files Files
}

func newDecoder(name string, files Files) *decoder {
	return &decoder{&reader{file: name}, &Seed{}, files}
}

func (d *decoder) document(root *yaml.Node) {
	var version, kind string
	var tlsAt *yaml.Node
	d.record(root, "", keys{
		"apiVersion": d.texter(&version),
		"kind":       d.texter(&kind),
		"instanceID": d.instance,
		"hostname":   d.hostname,
		"network":    d.network,
		"tls": func(n *yaml.Node, field string) {
			tlsAt = n
			d.record(n, field, keys{"cert": d.texter(&d.TLS.Cert), "key": d.texter(&d.TLS.Key), "clientCA": d.texter(&d.TLS.ClientCA)})
		},
		"enroll": func(n *yaml.Node, field string) {
			d.record(n, field, keys{"token": d.token})
		},
		"declaration":     d.declaration,
		"declarationFile": d.declarationFile,
		"system":          d.system,
	})
	if root.Kind != yaml.MappingNode {
		return
	}
	for _, c := range []struct{ key, value, want string }{{"apiVersion", version, APIVersion}, {"kind", kind, Kind}} {
		if c.value != c.want {
			d.fail(root, "", "", "%s is %s: must be %s", c.key, show(c.value), c.want)
		}
	}
	if tlsAt != nil {
		d.checkTLS(tlsAt)
	}
}

func (d *decoder) instance(n *yaml.Node, field string) {
	d.InstanceID = d.text(n, field)
	if len(d.InstanceID) > 256 {
		d.fail(n, field, "", "%s: must have at most 256 bytes", show(d.InstanceID))
	}
}

var label = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)

func (d *decoder) hostname(n *yaml.Node, field string) {
	name := d.text(n, field)
	if len(name) > 64 { // what the kernel takes
		d.fail(n, field, "", "%s: must have at most 64 characters", show(name))
		return
	}
	for _, l := range strings.Split(name, ".") {
		if !label.MatchString(l) {
			d.fail(n, field, "", "%s: not a host name: letters, digits, dashes, and dots between", show(name))
			return
		}
	}
	d.Hostname = name
}

func (d *decoder) token(at *yaml.Node, field string) {
	d.Token = d.text(at, field)
	if n := len(strings.ReplaceAll(d.Token, "-", "")); n < 16 || n > 100 || strings.ContainsAny(d.Token, " \t\r\n") {
		d.fail(at, field, "for example: openssl rand -hex 16", "must have 16 to 100 characters besides dashes, and no blanks")
		d.Token = ""
	}
}

// checkTLS reports a certificate that cannot work, here and not at the first
// connection.
func (d *decoder) checkTLS(n *yaml.Node) {
	t := d.TLS
	if t.Cert == "" || t.Key == "" || t.ClientCA == "" {
		d.fail(n, "tls", "", "cert, key and clientCA belong together: one of them is missing")
		return
	}
	if _, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key)); err != nil {
		d.fail(n, "tls.cert", "", "%s", strings.TrimPrefix(err.Error(), "tls: "))
		return
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(t.ClientCA)) {
		d.fail(n, "tls.clientCA", "", "no certificate in it: must be PEM")
	}
}

// declaration takes the pipeline as text or as a map.
func (d *decoder) declaration(n *yaml.Node, field string) {
	if d.Declaration != nil {
		d.fail(n, field, "", "give declaration or declarationFile, not both")
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		d.Declaration = []byte(d.text(n, field))
	case yaml.MappingNode:
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(n); err != nil {
			d.fail(n, field, "", "%v", err)
		}
		d.Declaration = b.Bytes()
	default:
		d.fail(n, field, "", "expected a declaration as a map or as text, got %s", kindOf(n))
	}
}

func (d *decoder) declarationFile(n *yaml.Node, field string) {
	name := d.text(n, field)
	switch {
	case d.Declaration != nil:
		d.fail(n, field, "", "give declaration or declarationFile, not both")
		return
	case name == "" || name != path.Base(path.Clean(name)):
		d.fail(n, field, "", "%s: must be the name of a file on the same volume", show(name))
		return
	}
	text, err := d.files(name)
	if err != nil {
		d.fail(n, field, "", "%s: %v", show(name), err)
		return
	}
	d.Declaration = text
}
