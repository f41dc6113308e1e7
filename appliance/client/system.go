// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

var none = &api.EmptyRequest{}

// Version returns the daemon's version.
func (c *Client) Version(ctx context.Context) (string, error) {
	resp, err := call(ctx, c, "get version", "", c.bess.GetVersion, none)
	return resp.GetVersion(), err
}

// Reset removes all modules, ports, traffic classes and workers.
func (c *Client) Reset(ctx context.Context) error {
	_, err := call(ctx, c, "reset all", "", c.bess.ResetAll, none)
	return err
}

// Kill ends the daemon.
func (c *Client) Kill(ctx context.Context) error {
	_, err := call(ctx, c, "end the daemon", "", c.bess.KillBess, none)
	return err
}

// Plugins returns the paths of the imported plugins.
func (c *Client) Plugins(ctx context.Context) ([]string, error) {
	resp, err := call(ctx, c, "list plugins", "", c.bess.ListPlugins, none)
	return resp.GetPaths(), err
}

// ImportPlugin makes the classes of a plugin available.
func (c *Client) ImportPlugin(ctx context.Context, path string) error {
	_, err := call(ctx, c, "import plugin", path, c.bess.ImportPlugin, &api.ImportPluginRequest{Path: path})
	return err
}

// UnloadPlugin takes the classes of a plugin away.
func (c *Client) UnloadPlugin(ctx context.Context, path string) error {
	_, err := call(ctx, c, "unload plugin", path, c.bess.UnloadPlugin, &api.UnloadPluginRequest{Path: path})
	return err
}

// Mempool returns the packet buffers of a NUMA node, of all nodes for -1.
func (c *Client) Mempool(ctx context.Context, socket int32) ([]*api.MempoolDump, error) {
	resp, err := call(ctx, c, "dump mempool", "", c.bess.DumpMempool, &api.DumpMempoolRequest{Socket: socket})
	return resp.GetDumps(), err
}

// ConfigureResumeHook enables or disables a step that ResumeAll takes.
func (c *Client) ConfigureResumeHook(ctx context.Context, name string, enable bool, arg *anypb.Any) error {
	req := &api.ConfigureResumeHookRequest{HookName: name, Enable: enable, Arg: arg}
	_, err := call(ctx, c, "configure resume hook", name, c.bess.ConfigureResumeHook, req)
	return err
}
