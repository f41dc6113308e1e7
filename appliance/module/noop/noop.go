// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package noop is the module class NoOP: a task that returns at once, for
// looking at the scheduler alone (spec: modules/sources-sinks.md).
package noop

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "NoOP",
	Prefix:     "noop",
	Help:       "a task that does nothing, to test the scheduler",
	Task:       true,
	MaxWorkers: 1,
	New:        module.New(create),
}

// NoOP is an instance. It has no state.
type NoOP struct{ module.NoInput }

func create(env *module.Env, _ *api.EmptyArg) (*NoOP, error) {
	env.AddTask()
	return &NoOP{}, nil
}

// RunTask does nothing and says that it was not blocked: its worker stays
// awake and runs it as often as its traffic class allows.
func (*NoOP) RunTask(*module.Context, int) module.Result { return module.Result{} }
