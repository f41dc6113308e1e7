// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// argumentHelp tells how arguments are written on the command line.
const argumentHelp = `ARG is the command's argument (see explain), in one of these forms:
  '{rules: [{src_ip: 10.0.0.0/8}]}'   YAML or JSON
  burst=32 size=1024                  fields; the values are YAML
  @file                               a file of YAML or JSON; @- is standard input
Texts and bytes need no quotes in the second form: pkt=0xffff, name=12.`

// maxArgument bounds the text of an argument read from a file, in bytes.
const maxArgument = 256 << 20

// parseArgument reads words as a message of type desc, checked like the daemon
// would. Without words there is no argument: nil.
func parseArgument(desc protoreflect.MessageDescriptor, words []string, in io.Reader) (*anypb.Any, error) {
	if len(words) == 0 {
		return nil, nil
	}
	v, err := argumentValue(desc, words, in)
	if err != nil {
		return nil, err
	}
	m, finds := args.Decode(desc, v, args.Options{})
	if len(finds) > 0 {
		return nil, errors.New(strings.ReplaceAll(args.Text(finds), "\n", "; "))
	}
	return anypb.New(m)
}

// argumentValue reads words as a generic value.
func argumentValue(desc protoreflect.MessageDescriptor, words []string, in io.Reader) (any, error) {
	if _, _, ok := assignment(words[0]); ok {
		return assignments(desc, words)
	}
	if len(words) > 1 {
		return nil, fmt.Errorf("argument %q: several words must be key=value each", words[0])
	}
	file, ok := strings.CutPrefix(words[0], "@")
	if !ok {
		return parseYAML(words[0])
	}
	text, err := readFile(file, in)
	if err != nil {
		return nil, err
	}
	v, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

func readFile(name string, in io.Reader) (string, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxArgument+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxArgument {
		return "", fmt.Errorf("%s: more than %d bytes", name, maxArgument)
	}
	return string(text), nil
}

// assignment splits key=value. The key is the name of a field.
func assignment(word string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(word, "=")
	for i, c := range key {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return "", "", false
		}
	}
	return key, value, ok && key != ""
}

func assignments(desc protoreflect.MessageDescriptor, words []string) (any, error) {
	vals := map[string]any{}
	for _, w := range words {
		key, text, ok := assignment(w)
		if !ok {
			return nil, fmt.Errorf("argument %q: must be key=value like the first word", w)
		}
		if _, dup := vals[key]; dup {
			return nil, fmt.Errorf("%s is given twice", key)
		}
		v, err := fieldValue(desc.Fields().ByName(protoreflect.Name(key)), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		vals[key] = v
	}
	return vals, nil
}

// fieldValue reads the text of a field. The shell takes quotes away, so texts
// and bytes are taken as they are, as are hexadecimal digits.
func fieldValue(fd protoreflect.FieldDescriptor, text string) (any, error) {
	literal := fd != nil && !fd.IsMap() && (fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind)
	bracket := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
	if literal && !fd.IsList() && (fd.Kind() == protoreflect.StringKind || !bracket) || strings.HasPrefix(text, "0x") {
		return text, nil
	}
	n, err := document(text)
	if err != nil || n == nil {
		return nil, err
	}
	if literal && n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			if c.Kind == yaml.ScalarNode {
				c.Tag = "!!str"
			}
		}
	}
	return generic(n)
}

// parseYAML reads one YAML document as a generic value.
func parseYAML(text string) (any, error) {
	n, err := document(text)
	if err != nil || n == nil {
		return nil, err
	}
	return generic(n)
}

// document returns the root of one YAML document, nil if it is empty.
func document(text string) (*yaml.Node, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be one YAML document")
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// generic turns a node into a generic value. Words that YAML takes for dates
// and numbers that begin with a zero are texts.
func generic(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return genericMap(n)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			v, err := generic(c)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: aliases (*%s) are not possible here", n.Line, n.Value)
	}
	digits := strings.TrimLeft(n.Value, "+-")
	zero := len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
	switch tag := n.ShortTag(); {
	case tag == "!!str", tag == "!!timestamp", tag == "!!int" && zero:
		return n.Value, nil
	case tag == "!!merge":
		return nil, fmt.Errorf("line %d: << is not possible here", n.Line)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: %q cannot be read", n.Line, n.Value)
	}
	return v, nil
}

func genericMap(n *yaml.Node) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("line %d: a key must be a plain word", k.Line)
		}
		if _, dup := m[k.Value]; dup {
			return nil, fmt.Errorf("line %d: %q is given twice", k.Line, k.Value)
		}
		v, err := generic(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		m[k.Value] = v
	}
	return m, nil
}
