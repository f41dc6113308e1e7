// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// pipelineData is the graph: modules by name, links by module and gate.
type pipelineData struct {
	Modules []nodeData `json:"modules"`
	Links   []linkData `json:"links"`
	// roots are the modules to begin with; empty: where packets begin.
	roots []string
}

type nodeData struct {
	Name        string `json:"name"`
	Class       string `json:"class"`
	Description string `json:"description"`
}

// linkData leads from an output gate to an input gate. The counts are those
// of the output gate.
type linkData struct {
	From  string `json:"from"`
	OGate uint64 `json:"ogate"`
	To    string `json:"to"`
	IGate uint64 `json:"igate"`
	countData
}

// key tells a link from others.
func (l *linkData) key() string { return fmt.Sprintf("%d:%s", l.OGate, l.From) }

// readPipeline reads all modules and links. roots are the modules from which
// to draw.
func readPipeline(ctx context.Context, c *client.Client, roots []string) (*pipelineData, error) {
	list, err := c.Modules(ctx)
	if err != nil {
		return nil, err
	}
	p := &pipelineData{Modules: []nodeData{}, Links: []linkData{}, roots: roots}
	for _, m := range list {
		info, err := c.Module(ctx, m.GetName())
		switch {
		case client.IsNotFound(err):
			continue // removed meanwhile
		case err != nil:
			return nil, err
		}
		p.Modules = append(p.Modules, nodeData{m.GetName(), m.GetMclass(), m.GetDesc()})
		for _, o := range newModuleData(info).OutputGates {
			p.Links = append(p.Links, linkData{m.GetName(), o.Gate, o.To.Module, o.To.Gate, o.countData})
		}
	}
	return p, p.checkRoots()
}

// checkRoots reports roots that do not exist.
func (p *pipelineData) checkRoots() error {
	names := make([]string, len(p.Modules))
	known := map[string]bool{}
	for i, m := range p.Modules {
		names[i], known[m.Name] = m.Name, true
	}
	for _, r := range p.roots {
		if !known[r] {
			return fmt.Errorf("module %q: there is none of that name%s", r, hint(r, names))
		}
	}
	return nil
}
