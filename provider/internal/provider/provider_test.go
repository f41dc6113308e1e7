// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// schemas returns everything that Terraform is told, which also checks it.
func schemas(t *testing.T) *tfprotov6.GetProviderSchemaResponse {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	return resp
}

func TestWhatThereIs(t *testing.T) {
	got := schemas(t)
	for _, name := range []string{"bess_link", "bess_module", "bess_port", "bess_task", "bess_tc", "bess_worker"} {
		if got.ResourceSchemas[name] == nil {
			t.Errorf("resource %s is missing", name)
		}
	}
	for _, name := range []string{"bess_module", "bess_module_class", "bess_port_stats", "bess_tc_stats", "bess_version"} {
		if got.DataSourceSchemas[name] == nil {
			t.Errorf("data source %s is missing", name)
		}
	}
	if f := got.Functions["packet"]; f == nil || f.Summary == "" || f.Description == "" {
		t.Error("function packet is missing or not documented")
	}
	if len(got.ResourceSchemas) != 6 || len(got.DataSourceSchemas) != 5 || len(got.Functions) != 1 {
		t.Error("there is more than this test knows")
	}
}

// Everything is documented: the descriptions become the registry's pages.
func TestEverythingIsDescribed(t *testing.T) {
	got := schemas(t)
	all := map[string]*tfprotov6.Schema{"provider": got.Provider}
	for name, s := range got.ResourceSchemas {
		all["resource "+name] = s
	}
	for name, s := range got.DataSourceSchemas {
		all["data source "+name] = s
	}
	for name, s := range all {
		if s.Block.Description == "" {
			t.Errorf("%s is not described", name)
		}
		described(t, name, s.Block.Attributes)
	}
}

func described(t *testing.T, where string, attrs []*tfprotov6.SchemaAttribute) {
	t.Helper()
	for _, a := range attrs {
		if !strings.HasSuffix(strings.TrimSpace(a.Description), ".") {
			t.Errorf("%s: %s: description %q is not a sentence", where, a.Name, a.Description)
		}
		if a.NestedType != nil {
			described(t, where+"."+a.Name, a.NestedType.Attributes)
		}
	}
}

// Every resource can be imported, and checks its plan.
func TestEveryResourceImports(t *testing.T) {
	for _, make := range (&bess{}).Resources(context.Background()) {
		r := make()
		var meta resource.MetadataResponse
		r.Metadata(context.Background(), resource.MetadataRequest{ProviderTypeName: "bess"}, &meta)
		if _, ok := r.(resource.ResourceWithImportState); !ok {
			t.Errorf("%s cannot be imported", meta.TypeName)
		}
		if _, ok := r.(resource.ResourceWithModifyPlan); !ok {
			t.Errorf("%s does not look at its plan", meta.TypeName)
		}
		if _, ok := r.(resource.ResourceWithConfigure); !ok {
			t.Errorf("%s gets no session", meta.TypeName)
		}
	}
	for _, make := range (&bess{}).DataSources(context.Background()) {
		if _, ok := make().(datasource.DataSourceWithConfigure); !ok {
			t.Errorf("%T gets no session", make())
		}
	}
}

func TestAddress(t *testing.T) {
	t.Setenv(addressEnv, "from.environment")
	t.Setenv("BESS_CERT", "cert.pem")
	configured := config{Address: types.StringValue("configured"), CA: types.StringValue("ca.pem")}
	if got := configured.address(); got == nil || *got != "configured" {
		t.Error(got)
	}
	if got := configured.tls(); got.CA != "ca.pem" || got.Cert != "cert.pem" || got.Key != "" {
		t.Errorf("%+v", got)
	}
	if got := (&config{}).address(); got == nil || *got != "from.environment" {
		t.Error(got)
	}
	for _, c := range []config{{Address: types.StringUnknown()}, {Key: types.StringUnknown()}} {
		if got := c.address(); got != nil {
			t.Errorf("not known yet: %q", *got)
		}
	}
}

func TestBlame(t *testing.T) {
	for text, want := range map[string]string{"ca: open x": "ca", "key k.pem: not the key": "key", "cert: is missing": "cert", `address "x": must be`: "address"} {
		if got := blame(errors.New(text)).String(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
