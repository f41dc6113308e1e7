// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wiretest

// Every package that owns messages of the contract, the classes and drivers by
// the generated lists.
import (
	_ "github.com/bessform/terraform-provider-bess/appliance/api"
	_ "github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	_ "github.com/bessform/terraform-provider-bess/appliance/api/testpb"
	_ "github.com/bessform/terraform-provider-bess/appliance/module/all"
	_ "github.com/bessform/terraform-provider-bess/appliance/port/all"
)
