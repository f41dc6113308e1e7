// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// The resume hooks of the original (spec: api.md section 6.9). Here metadata
// offsets and the task graph are part of every snapshot; removing
// setup_metadata freezes the offsets as they are, removing setup_taskgraph
// changes nothing that could be seen.
const (
	hookMetadata  = "setup_metadata"
	hookTaskGraph = "setup_taskgraph"
)

type resumeHooks struct{ installed map[string]bool }

func (r *resumeHooks) init() {
	r.installed = map[string]bool{hookMetadata: true, hookTaskGraph: true}
}

// ConfigureResumeHook installs or removes a resume hook; removing one that is
// not installed is no error. Errors: EEXIST if it is installed already,
// ENOENT if there is no such hook, EINVAL for a bad argument.
func (e *Engine) ConfigureResumeHook(name string, enable bool, arg *anypb.Any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := name == hookMetadata || name == hookTaskGraph
	switch {
	case enable && e.resume.installed[name]:
		return errno.Errorf(errno.EEXIST, "Resume hook '%s' is already installed", name)
	case enable && !known:
		return errno.Errorf(errno.ENOENT, "No such resume hook '%s'", name)
	case enable:
		if _, err := decodeArg(name, name, nil, arg); err != nil {
			return err
		}
	}
	if known && e.resume.installed[name] != enable {
		e.resume.installed[name] = enable
		if name == hookMetadata {
			e.graph.FreezeMetadata(!enable)
		}
		e.changed()
	}
	return nil
}
