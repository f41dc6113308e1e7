// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"path/filepath"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// GetVersion answers the daemon's version.
func (s *Server) GetVersion(context.Context, *api.EmptyRequest) (*api.VersionResponse, error) {
	return &api.VersionResponse{Version: s.version}, nil
}

// ResetAll removes modules, ports, traffic classes and workers.
func (s *Server) ResetAll(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.ResetAll())
}

// KillBess answers, then ends the daemon.
func (s *Server) KillBess(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	go s.kill()
	return empty(nil)
}

// builtInPlugins are plugins of the original whose classes are part of this
// daemon: loading them succeeds and changes nothing.
var builtInPlugins = map[string]string{"sequential_update.so": "SequentialUpdate"}

// ImportPlugin refuses: a C++ shared object cannot be loaded here. Plugins
// whose classes are built in count as loaded.
func (s *Server) ImportPlugin(_ context.Context, r *api.ImportPluginRequest) (*api.EmptyResponse, error) {
	if class := builtInPlugins[filepath.Base(r.GetPath())]; class != "" {
		if _, err := s.engine.Class(class); err == nil {
			return empty(nil)
		}
	}
	return empty(errno.Errorf(errno.ENOTSUP, "Failed loading plugin %s: this daemon cannot load C++ plugins", r.GetPath()))
}

// UnloadPlugin refuses: nothing was loaded.
func (s *Server) UnloadPlugin(_ context.Context, r *api.UnloadPluginRequest) (*api.EmptyResponse, error) {
	return empty(errno.Errorf(errno.ENOTSUP, "Failed unloading plugin %s: it is not loaded", r.GetPath()))
}

// ListPlugins answers an empty list.
func (s *Server) ListPlugins(context.Context, *api.EmptyRequest) (*api.ListPluginsResponse, error) {
	return &api.ListPluginsResponse{}, nil
}

// DumpMempool answers the state of the packet pool.
func (s *Server) DumpMempool(_ context.Context, r *api.DumpMempoolRequest) (*api.DumpMempoolResponse, error) {
	dumps, err := s.engine.DumpMempool(int(r.GetSocket()))
	resp := &api.DumpMempoolResponse{Error: toError(err)}
	for _, d := range dumps {
		resp.Dumps = append(resp.Dumps, &api.MempoolDump{
			Socket: int32(d.Node), Initialized: true,
			MpSize: uint32(d.Capacity), MpCacheSize: uint32(d.CacheSize), MpElementSize: uint32(d.ElementSize),
			MpPopulatedSize: uint32(d.Capacity), MpAvailableCount: uint32(d.Available),
			MpInUseCount: uint32(d.Capacity - d.Available), RingCount: uint32(d.Available),
			RingFreeCount: uint32(d.Capacity - d.Available), RingBytes: d.RingBytes,
		})
	}
	return resp, nil
}

// ConfigureResumeHook installs or removes one of the two steps done at every
// resume.
func (s *Server) ConfigureResumeHook(_ context.Context, r *api.ConfigureResumeHookRequest) (*api.CommandResponse, error) {
	return commandResponse(nil, s.engine.ConfigureResumeHook(r.GetHookName(), r.GetEnable(), r.GetArg()))
}
