// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// patience is how long completion waits for a daemon: a shell must not hang.
const patience = time.Second

// completer is what cobra calls to complete an argument.
type completer = func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective)

// lister reads names from a daemon.
type lister = func(ctx context.Context, c *client.Client) ([]string, error)

// ask reads names for completion. Without a daemon there are none.
func (a *app) ask(ctx context.Context, list lister) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var names []string
	_ = a.with(func(c *client.Client) error { // there is no place to tell an error
		var err error
		names, err = list(ctx, c)
		return err
	})
	return names
}

// complete completes any number of names, each once.
func (a *app) complete(list lister) completer {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return candidates(a.ask(cmd.Context(), list), args, word), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeEach completes each argument with a function of its own, which gets
// the arguments before it; further arguments have no completion.
func completeEach(each ...func(ctx context.Context, args []string) []string) completer {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(each) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list := candidates(each[len(args)](cmd.Context(), args), nil, word)
		if len(list) > 0 && strings.Contains(list[0], "=\t") { // a value is to follow at once
			return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// candidates returns the names that begin with word and are not given yet.
func candidates(names, given []string, word string) []cobra.Completion {
	var list []cobra.Completion
	for _, n := range names {
		bare, _, _ := strings.Cut(n, "\t") // a description may follow
		if strings.HasPrefix(bare, word) && !slices.Contains(given, bare) {
			list = append(list, n)
		}
	}
	return list
}
