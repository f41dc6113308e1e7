// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// rawCodec passes messages on as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (rawCodec) Name() string                       { return "proto" }

// original puts a door before the daemon that lets only calls of BESSControl
// through, which is all that the original BESS daemon has, and returns its
// address.
func (d *daemon) original() string {
	d.t.Helper()
	address := filepath.Join(d.dir, "o")
	lis, err := net.Listen("unix", address)
	d.must(err)
	door := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}), grpc.UnknownServiceHandler(
		func(_ any, stream grpc.ServerStream) error {
			method, _ := grpc.MethodFromServerStream(stream)
			if !strings.HasPrefix(method, "/bess.pb.BESSControl/") {
				return status.Errorf(codes.Unimplemented, "unknown service %s", method)
			}
			var in, out []byte
			if err := stream.RecvMsg(&in); err != nil {
				return err
			}
			if err := d.c.Conn().Invoke(stream.Context(), method, &in, &out, grpc.ForceCodec(rawCodec{})); err != nil {
				return err
			}
			return stream.SendMsg(&out)
		}))
	go func() { _ = door.Serve(lis) }()
	d.t.Cleanup(door.Stop)
	return "unix:" + address
}

// With a daemon that has nothing but BESSControl the same resources work.
func TestOriginalDaemon(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	through := &daemon{t: t, address: d.original()}
	update := func(value int) string {
		return module("x", "Update", fmt.Sprintf("{ fields = [{ offset = 0, size = 1, value = %d }] }", value))
	}
	config := func(templates, to string, value int) string {
		return hcl(through, worker(0, 0, ""), module("q", "Queue", ""), module("rw", "Rewrite", "{ templates = "+templates+" }"),
			update(value), module("y", "Bypass", ""), connect("x", 0, "y", 1),
			connect("q", 0, "rw", 0), connect("rw", 0, to, 0),
			class("top", "priority", "wid = bess_worker.w0.wid"), place("q", "parent = bess_tc.top.name\n  priority = 5"))
	}
	links := func(want string) resource.TestCheckFunc {
		return resource.ComposeTestCheckFunc(d.hasLinks("q", "q:0->0:rw"), d.hasLinks("rw", want),
			d.hasTC("q:0", "top", 0), d.hasWorker(0, 0, true))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config(`["00"]`, "x", 7), Check: links("rw:0->0:x")},
			{ // the module is rebuilt, its links stay
				Config: config(`["01"]`, "x", 7),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("bess_module.rw", plancheck.ResourceActionUpdate),
					plancheck.ExpectResourceAction("bess_link.q_0", plancheck.ResourceActionNoop),
				}},
				Check: links("rw:0->0:x"),
			},
			{
				Config:           config(`["01"]`, "y", 7),
				ConfigPlanChecks: planned("bess_link.rw_0", plancheck.ResourceActionUpdate),
				Check:            links("rw:0->0:y"),
			},
			{ // arguments that only the daemon refuses: everything stays as it was
				Config:      config(`["01"]`, "y", 256),
				ExpectError: loosely(`fields[0].value: 256: does not fit into 1 bytes`),
			},
			{
				Config:           config(`["01"]`, "y", 7),
				ConfigPlanChecks: unchanged(),
				Check:            resource.ComposeTestCheckFunc(links("rw:0->0:y"), d.hasLinks("x", "x:0->1:y"), d.hasClass("x", "Update")),
			},
		},
	})
	// One traffic class cannot be deleted there; the user has been warned.
	if tc := d.tc("top"); tc != nil {
		t.Logf("traffic class %s stays", tc.GetClass().GetName())
	}
	if modules, err := d.c.Modules(ctx()); err != nil || len(modules) > 0 {
		t.Error(fmt.Sprint("left over: ", modules, err))
	}
}
