// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// emit writes v as JSON or YAML if --output says so, else calls draw. Both
// forms have the same fields in the same order.
func (a *app) emit(v any, draw func(w io.Writer)) error {
	switch a.output {
	case asJSON:
		return writeJSON(a.Out, v, "  ")
	case asYAML:
		return writeYAML(a.Out, v)
	}
	// One write: a table is not torn apart by other output.
	var b bytes.Buffer
	draw(&b)
	_, err := a.Out.Write(b.Bytes())
	return err
}

// writeJSON writes v and a newline; without indent on one line.
func writeJSON(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}

// writeYAML writes v with the keys and the order of its JSON form.
func writeYAML(w io.Writer, v any) error {
	n, err := yamlNode(v)
	if err != nil {
		return err
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return err
	}
	return enc.Close()
}

// yamlNode returns the JSON form of v as YAML in block style.
func yamlNode(v any) (*yaml.Node, error) {
	var text bytes.Buffer
	if err := writeJSON(&text, v, ""); err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("yaml: %w", err)
	}
	blockStyle(&doc)
	return &doc, nil
}

// blockStyle takes away the brackets and quotes of JSON where YAML does not
// need them.
func blockStyle(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && !oldBool(n.Value) || len(n.Content) > 0 {
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// oldBool reports whether readers of YAML 1.1 take a word for a boolean.
func oldBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "yes", "n", "no", "on", "off":
		return true
	}
	return false
}

// flow returns v on one line as people write it: {src_ip: 10.0.0.0/8, drop:
// true}.
func flow(v any) string {
	n, err := yamlNode(v)
	if err != nil {
		return err.Error()
	}
	if len(n.Content) == 1 {
		n = n.Content[0]
	}
	var plain func(*yaml.Node)
	plain = func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			n.Style = yaml.FlowStyle
		}
		for _, c := range n.Content {
			plain(c)
		}
	}
	plain(n)
	text, err := yaml.Marshal(n)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// member is a field of an object.
type member struct {
	key   string
	value any
}

// object is a JSON object whose fields have an order.
type object []member

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeJSON(&b, m.key, ""); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := writeJSON(&b, m.value, ""); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
