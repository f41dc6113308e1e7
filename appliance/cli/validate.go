// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
)

// offlineCatalog is what this build knows without a daemon.
func offlineCatalog() declare.Catalog {
	return declare.Catalog{Classes: modules.Classes(), Drivers: ports.Drivers()}
}

func validateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check a declaration without a daemon",
		Long: "Checks a declaration without a daemon: syntax, classes, arguments, gates,\nlinks, traffic classes. What is wrong or odd is written to standard error, a\nline each: file:line:col: error: what. The exit status is 1 if there is an error.\n\n" +
			filesLong + "\n\nJSON: findings: severity (error or warning), position, object, field, message,\nhint.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: fileCompletion,
		RunE:              func(_ *cobra.Command, args []string) error { return a.validate(args) },
	}
}

func (a *app) validate(files []string) error {
	docs, err := declare.ReadFiles(files, a.In)
	if err != nil {
		return err
	}
	p, found := declare.Validate(docs, offlineCatalog())
	v := struct {
		Findings []finding `json:"findings"`
	}{fromLocal(found)}
	a.complain(v.Findings)
	errs, warnings := count(v.Findings)
	err = a.emit(v, func(w io.Writer) {
		if errs > 0 {
			fmt.Fprintf(a.Err, "bessctl: %s, %s\n", plural(errs, "error"), plural(warnings, "warning"))
			return
		}
		fmt.Fprintf(w, "Valid: %s, %s, %s; %s.\n", plural(len(p.Modules), "module"), plural(len(p.Links), "link"),
			plural(len(p.Ports), "port"), plural(warnings, "warning"))
	})
	if err == nil && errs > 0 {
		err = statusError(1)
	}
	return err
}
