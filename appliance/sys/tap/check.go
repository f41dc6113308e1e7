// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

const (
	// defaultMTU is that of Ethernet.
	defaultMTU = 1500
	// maxCPU is more than any kernel has.
	maxCPU = 8191
)

// check judges what can be judged without the kernel and fills in defaults.
func (o *Options) check() error {
	if err := hostif.CheckName(o.Name); err != nil {
		return err
	}
	if o.MTU == 0 {
		o.MTU = defaultMTU
	}
	if err := hostif.CheckMTU(o.MTU); err != nil {
		return err
	}
	for i, cpu := range o.CPUs {
		if cpu < 0 || cpu > maxCPU {
			return errno.Errorf(errno.EINVAL, "cpu[%d]: %d: must be in 0..%d", i, cpu, maxCPU)
		}
	}
	_, err := hostif.ParseAddresses(o.Addresses)
	return err
}

func (o *Options) place() string {
	if s := o.Where.String(); s != "" {
		return fmt.Sprintf("interface %s in %s", o.Name, s)
	}
	return "interface " + o.Name
}
