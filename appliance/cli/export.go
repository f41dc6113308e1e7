// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// asDot is the format of Graphviz.
const asDot = "dot"

func exportCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what runs as a declaration",
		Long: "Writes what runs as a declaration, which apply takes: in YAML, in JSON, or as a\ngraph for Graphviz (bessctl export -o dot | dot -Tsvg).\n\n" +
			"Gate hooks and what commands have changed in modules are not part of it.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch format {
			case asYAML, asJSON, asDot:
				return a.export(cmd.Context(), format)
			}
			return fmt.Errorf("--output %q: must be yaml, json or dot", format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", asYAML, "output `format`: yaml, json or dot")
	return cmd
}

func (a *app) export(ctx context.Context, format string) error {
	return a.with(func(c *client.Client) error {
		resp, err := c.Export(ctx)
		if err != nil {
			return err
		}
		text := resp.GetYaml()
		switch format {
		case asDot:
			docs := []declare.Document{{Name: "export", Text: []byte(text)}}
			if _, found := declare.Decode(docs); declare.HasErrors(found) {
				return fmt.Errorf("the daemon's export cannot be read: %s", declare.Text(found))
			}
			// Classes that only the daemon knows are drawn too.
			p, _ := declare.Validate(docs, offlineCatalog())
			text = p.Dot(offlineCatalog())
		case asJSON:
			v, err := ordered(text)
			if err != nil {
				return fmt.Errorf("the daemon's export cannot be read: %w", err)
			}
			return writeJSON(a.Out, v, "  ")
		}
		_, err = io.WriteString(a.Out, text)
		return err
	})
}

// ordered reads YAML as a value whose maps keep their order.
func ordered(text string) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return orderedNode(doc.Content[0])
}

func orderedNode(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		out := object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := orderedNode(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			out = append(out, member{n.Content[i].Value, v})
		}
		return out, nil
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			v, err := orderedNode(c)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	var v any
	err := n.Decode(&v)
	return v, err
}
