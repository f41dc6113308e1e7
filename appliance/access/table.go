// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// Rule says who may call a method, and whether the call is audited.
type Rule struct {
	// Needs is the lowest role that may.
	Needs pki.Role
	// Audited calls change something and go to the audit log.
	Audited bool
	// Why describes the rule for the manual.
	Why string
	// reads reports whether this request only looks, so that the rule of
	// looking applies; nil if none does.
	reads func(req any) bool
}

var (
	anyone  = Rule{Needs: pki.Nobody, Why: "is the daemon there"}
	join    = Rule{Needs: pki.Nobody, Audited: true, Why: "exchange a join token for a certificate"}
	look    = Rule{Needs: pki.Reader, Why: "look, validate and plan"}
	change  = Rule{Needs: pki.Operator, Audited: true, Why: "change the pipeline, and with ports and hooks the files and interfaces they name"}
	command = Rule{Needs: pki.Operator, Audited: true, Why: "run commands; those named get_… that do not clear anything need role reader only", reads: onlyReads}
	govern  = Rule{Needs: pki.Admin, Audited: true, Why: "end the daemon or the machine, load code, let others in"}
)

// rows are the only place that says who may call what. A method that is not
// in them may be called by nobody.
var rows = []row{
	{"bess.pb.BESSControl", look, `GetVersion ListPlugins ListWorkers ListTcs CheckSchedulingConstraints GetTcStats ListDrivers
		GetDriverInfo ListPorts GetPortConf GetPortStats GetLinkStatus ListMclass GetMclassInfo ListModules GetModuleInfo
		DumpMempool ListGateHookClass GetGateHookClassInfo ListGateHooks`},
	{"bess.pb.BESSControl", command, `ModuleCommand GateHookCommand`},
	{"bess.pb.BESSControl", change, `ResetAll PauseAll PauseWorker ResumeWorker ResumeAll ResetWorkers AddWorker DestroyWorker
		ResetTcs AddTc UpdateTcParams UpdateTcParent ResetPorts CreatePort DestroyPort SetPortConf ResetModules CreateModule
		DestroyModule ConnectModules DisconnectModules ConfigureGateHook ConfigureResumeHook`},
	{"bess.pb.BESSControl", govern, `KillBess ImportPlugin UnloadPlugin`},
	{"bess.declare.v1.Pipelines", look, `Export Validate Plan ModuleArg ModuleCounters PortNotes History`},
	{"bess.declare.v1.Pipelines", change, `Apply UpdateModule MoveLink DeleteTc Rollback`},
	{"bess.appliance.v1.Appliance", look, `GetHealth GetFacts ReadLog`},
	{"bess.appliance.v1.Appliance", govern, `Shutdown Reboot`},
	{"bess.access.v1.Access", join, `Enroll`},
	{"bess.access.v1.Access", look, `WhoAmI`},
	{"bess.access.v1.Access", govern, `CreateToken`},
	{"grpc.health.v1.Health", anyone, `Check List Watch`},
	{"grpc.reflection.v1.ServerReflection", look, `ServerReflectionInfo`},
	{"grpc.reflection.v1alpha.ServerReflection", look, `ServerReflectionInfo`},
}

// table is rows by method.
var table = rules(rows)

// row gives methods of a service the same rule.
type row struct {
	service string
	rule    Rule
	methods string
}

func rules(rows []row) map[string]Rule {
	all := map[string]Rule{}
	for _, r := range rows {
		for _, m := range strings.Fields(r.methods) {
			all["/"+r.service+"/"+m] = r.rule
		}
	}
	return all
}

// Lookup returns the rule of a method ("/package.Service/Method").
func Lookup(method string) (Rule, bool) {
	r, ok := table[method]
	return r, ok
}

// Methods returns all methods of the table, sorted.
func Methods() []string {
	list := make([]string, 0, len(table))
	for m := range table {
		list = append(list, m)
	}
	slices.Sort(list)
	return list
}

// Markdown returns the table as the manual shows it.
func Markdown() string {
	short := strings.NewReplacer("bess.pb.", "", "bess.declare.v1.", "", "bess.appliance.v1.", "", "bess.access.v1.", "", "grpc.health.v1.", "", "grpc.reflection.", "")
	var b strings.Builder
	b.WriteString("| Role | May | Calls |\n|---|---|---|\n")
	for _, r := range []Rule{anyone, join, look, command, change, govern} {
		role := r.Needs.String()
		if r.Needs == pki.Nobody {
			role = "no certificate"
		}
		var calls []string
		for _, w := range rows {
			if w.rule.Why == r.Why {
				calls = append(calls, short.Replace(w.service)+": "+strings.Join(strings.Fields(w.methods), ", "))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", role, r.Why, strings.Join(calls, "; "))
	}
	return b.String()
}

// of returns the rule that counts for one request.
func (r Rule) of(req any) Rule {
	if r.reads != nil && r.reads(req) {
		return look
	}
	return r
}

// onlyReads reports whether a command of a module or hook changes nothing: by
// convention its name begins with get_, and its argument, if it has a field
// clear, does not set it. An argument of an unknown type may do anything.
func onlyReads(req any) bool {
	switch r := req.(type) {
	case *api.CommandRequest:
		return readsByName(r.GetCmd()) && !clears(r.GetArg())
	case *api.GateHookCommandRequest:
		return readsByName(r.GetCmd()) && !clears(r.GetHook().GetArg())
	}
	return false
}

func readsByName(cmd string) bool { return strings.HasPrefix(cmd, "get_") }

func clears(arg *anypb.Any) bool {
	if arg.GetTypeUrl() == "" {
		return false
	}
	m, err := arg.UnmarshalNew()
	if err != nil {
		return true
	}
	f := m.ProtoReflect().Descriptor().Fields().ByName("clear")
	return f != nil && m.ProtoReflect().Has(f)
}
