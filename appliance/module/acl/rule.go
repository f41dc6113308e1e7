// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	acltable "github.com/bessform/terraform-provider-bess/appliance/table/acl"
)

// rule is a checked rule. Equal rules match and do the same.
type rule struct {
	// six tells the rule's family: match6 counts for IPv6, match for IPv4.
	six    bool
	match  acltable.Rule
	match6 acltable.Rule6
	// established restricts the rule to TCP segments with ACK or RST.
	established, drop bool
}

// validate checks the rules of an argument.
func validate(arg *ACLArg) ([]rule, error) {
	rules := make([]rule, len(arg.GetRules()))
	for i, r := range arg.GetRules() {
		if err := parse(&rules[i], r); err != nil {
			return nil, fmt.Errorf("rules[%d].%w", i, err)
		}
	}
	return rules, nil
}

func parse(to *rule, r *ACLArg_Rule) error {
	if p := r.GetSrcPort(); p > 0xffff {
		return module.Invalid("src_port", p, "must be 0..65535")
	}
	if p := r.GetDstPort(); p > 0xffff {
		return module.Invalid("dst_port", p, "must be 0..65535")
	}
	*to = rule{established: r.GetEstablished(), drop: r.GetDrop()}
	if header.IsIPv6(r.GetSrcIp()) || header.IsIPv6(r.GetDstIp()) {
		return parse6(to, r)
	}
	return parse4(to, r)
}

func parse4(to *rule, r *ACLArg_Rule) error {
	src, err := header.ParseCIDR4(r.GetSrcIp())
	if err != nil {
		return fmt.Errorf("src_ip: %w", err)
	}
	dst, err := header.ParseCIDR4(r.GetDstIp())
	if err != nil {
		return fmt.Errorf("dst_ip: %w", err)
	}
	src, dst = src.Masked(), dst.Masked()
	to.match = acltable.Rule{
		Src: src.Addr, SrcLen: src.Len, SrcPort: uint16(r.GetSrcPort()),
		Dst: dst.Addr, DstLen: dst.Len, DstPort: uint16(r.GetDstPort()),
	}
	return nil
}

// parse6 checks a rule of which one address at least is IPv6.
func parse6(to *rule, r *ACLArg_Rule) error {
	if err := oneFamily(r); err != nil {
		return err
	}
	src, err := header.ParseCIDR6(r.GetSrcIp())
	if err != nil {
		return fmt.Errorf("src_ip: %w", err)
	}
	dst, err := header.ParseCIDR6(r.GetDstIp())
	if err != nil {
		return fmt.Errorf("dst_ip: %w", err)
	}
	src, dst = src.Masked(), dst.Masked()
	to.six = true
	to.match6 = acltable.Rule6{
		Src: src.Addr, SrcLen: src.Len, SrcPort: uint16(r.GetSrcPort()),
		Dst: dst.Addr, DstLen: dst.Len, DstPort: uint16(r.GetDstPort()),
		Established: to.established,
	}
	return nil
}

// oneFamily refuses a rule with an IPv4 and an IPv6 address, which no packet
// could match.
func oneFamily(r *ACLArg_Rule) error {
	for _, s := range []string{r.GetSrcIp(), r.GetDstIp()} {
		if _, err := header.ParseCIDR4(s); err == nil && s != "" {
			return module.Invalid("src_ip", r.GetSrcIp(), "must be of the same family, IPv4 or IPv6, as dst_ip %q", r.GetDstIp())
		}
	}
	return nil
}
