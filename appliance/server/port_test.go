// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/port/tap"
	"github.com/bessform/terraform-provider-bess/appliance/port/veth"
	"github.com/bessform/terraform-provider-bess/appliance/port/vport"
)

// A docker that does not answer holds up whoever asks for a container, and
// nobody else.
func TestNobodyWaitsForOthersContainers(t *testing.T) {
	p := start(t)
	create := func(name string) {
		r, err := p.CreatePort(p.ctx, &api.CreatePortRequest{Name: name, Driver: "NullPort"})
		ok(p, r, err)
	}
	create("here")
	docker := testenv.Docker(t, 0)
	for driver, arg := range map[string]proto.Message{
		"TAPPort":  &tap.TAPPortArg{Namespace: &tap.TAPPortArg_Container{Container: "web"}},
		"VethPort": &veth.VethPortArg{Namespace: &veth.VethPortArg_Container{Container: "web"}},
		"VPort":    &vport.VPortArg{Cpid: &vport.VPortArg_Docker{Docker: "web"}},
	} {
		docker.Hang()
		answer := make(chan *api.CreatePortResponse, 1)
		go func() {
			r, err := p.CreatePort(p.ctx, &api.CreatePortRequest{Name: "away", Driver: driver, Arg: pack(t, arg)})
			if err != nil {
				t.Error(err)
			}
			answer <- r
		}()
		docker.AwaitCall()
		list, err := p.ListPorts(p.ctx, &api.EmptyRequest{})
		if ok(p, list, err); len(list.GetPorts()) != 1 {
			t.Errorf("%s: ports %v", driver, list.GetPorts())
		}
		stats, err := p.GetPortStats(p.ctx, &api.GetPortStatsRequest{Name: "here"})
		ok(p, stats, err)
		create("more")
		gone, err := p.DestroyPort(p.ctx, &api.DestroyPortRequest{Name: "more"})
		ok(p, gone, err)
		select {
		case r := <-answer:
			t.Errorf("%s: the others waited until it was answered: %v", driver, r)
			answer <- r
		default:
		}
		docker.Free()
		if e := (<-answer).GetError(); int(e.GetCode()) != errno.ESRCH {
			t.Errorf("%s: error %v", driver, e)
		}
	}
}
