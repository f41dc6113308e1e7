// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// declaration compares what runs with what the seed says: as the box sees it
// (nothing is to be done), and as the text that it exports.
func (b *box) declaration() { b.runs(pipeline) }

// runs fails the test unless the box runs a declaration.
func (b *box) runs(text string) {
	b.t.Helper()
	p := declarepb.NewPipelinesClient(b.conn)
	plan, err := p.Plan(b.ctx, &declarepb.PlanRequest{Documents: documents(text)})
	if err != nil || len(plan.GetActions())+len(plan.GetFindings()) != 0 {
		b.t.Errorf("what is declared does not run: %v %v", plan, err)
	}
	x, err := p.Export(b.ctx, &declarepb.ExportRequest{})
	if err != nil {
		b.t.Fatal(err)
	}
	got, want := spec(b.t, x.GetYaml()), spec(b.t, text)
	if !reflect.DeepEqual(got, want) {
		b.t.Errorf("exported\n%v\nwant\n%v", got, want)
	}
}

func documents(text string) []*declarepb.Document {
	return []*declarepb.Document{{Name: "pipeline.yaml", Text: text}}
}

// spec reads the spec of a declaration. The order of links means nothing.
func spec(t *testing.T, text string) map[string]any {
	t.Helper()
	var d struct{ Spec map[string]any }
	if err := yaml.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if links, ok := d.Spec["links"].([]any); ok {
		slices.SortFunc(links, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return d.Spec
}
