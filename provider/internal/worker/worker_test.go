// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func TestFreeID(t *testing.T) {
	if got := freeID(nil); got != 63 {
		t.Errorf("no worker: %d", got)
	}
	if got := freeID([]*client.Worker{{Wid: 0}, {Wid: 63}, {Wid: 62}}); got != 61 {
		t.Errorf("got %d, want 61", got)
	}
	var all []*client.Worker
	for wid := range int64(64) {
		all = append(all, &client.Worker{Wid: wid})
	}
	if got := freeID(all); got != -1 {
		t.Errorf("all in use: %d", got)
	}
}

func TestFind(t *testing.T) {
	workers := []*client.Worker{{Wid: 0}, {Wid: 5}}
	if find(workers, 5) != workers[1] || find(workers, 1) != nil {
		t.Error("the wrong worker")
	}
}

func TestPlace(t *testing.T) {
	leaf := &client.TC{Parent: "fair", Class: &api.TrafficClass{Name: "!leaf_src:2", LeafModuleName: "src", LeafModuleTaskid: 2, Wid: 1}}
	if r := place(leaf, 0); r.GetName() != "" || r.GetParent() != "" || r.GetWid() != 0 || r.GetLeafModuleName() != "src" || r.GetLeafModuleTaskid() != 2 {
		t.Errorf("request %v", r)
	}
}
