// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Explain says why a certificate was not accepted, for the person who has to
// mend it. whose names it ("the daemon's certificate"). Other errors than
// those of package x509 come back as their text.
func Explain(err error, whose string) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if why := Outdated(invalid.Cert, whose, time.Now()); why != "" {
			return why
		}
		return fmt.Sprintf("%s: %v", whose, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return whose + " is for another purpose: clients need one for client authentication, daemons one for server authentication"
	case errors.As(err, &unknown):
		issuer := ""
		if unknown.Cert != nil {
			issuer = fmt.Sprintf(" (it names %q as its issuer)", unknown.Cert.Issuer.CommonName)
		}
		return fmt.Sprintf("%s%s is not signed by a certificate authority that is trusted here", whose, issuer)
	case errors.As(err, &name):
		return fmt.Sprintf("%s is for %s, not for %s", whose, names(name.Certificate), name.Host)
	}
	return err.Error()
}

// Outdated says that a certificate is not valid at a time, with both times;
// empty if it is.
func Outdated(c *x509.Certificate, whose string, now time.Time) string {
	switch {
	case now.Before(c.NotBefore):
		return fmt.Sprintf("%s is not yet valid: it begins at %s; check the clock, this machine says %s", whose, stamp(c.NotBefore), stamp(now))
	case now.After(c.NotAfter):
		return fmt.Sprintf("%s has expired at %s; this machine's clock says %s", whose, stamp(c.NotAfter), stamp(now))
	}
	return ""
}

// names lists what a certificate is for.
func names(c *x509.Certificate) string {
	list := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "no name at all"
	}
	return strings.Join(list, ", ")
}
