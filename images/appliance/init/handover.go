// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

// Files of bessd.
const (
	storeDir        = dataDir + "/store"
	storeBefore     = dataDir + "/store.before" // while another declaration is tried
	identityDir     = dataDir + "/identity"
	declarationFile = runDir + "/declaration.yaml"
	secretDir       = runDir + "/secret"
)

// usable reports whether the seed is there and right as a whole.
func (t *told) usable() bool { return t != nil && !seed.HasErrors(t.findings) }

// prepareIdentity chooses how clients are let in: with the certificates of the
// seed, else by enrolment, which may know a token.
func (b *box) prepareIdentity() {
	b.identity = []string{"-enroll", identityDir}
	if !b.told.usable() {
		return
	}
	files := map[string]string{}
	if t := b.told.TLS; t.Cert != "" {
		files["cert"], files["key"], files["ca"] = t.Cert, t.Key, t.ClientCA
	} else if b.told.Token != "" {
		files["token"] = b.told.Token
	}
	err := os.MkdirAll(secretDir, 0o700)
	for name, text := range files {
		err = errors.Join(err, writeFile(filepath.Join(secretDir, name), []byte(text), 0o600))
	}
	switch {
	case err != nil:
		b.facts.bad("identity", "%v", err)
	case files["cert"] != "":
		b.identity = []string{"-tls_cert", filepath.Join(secretDir, "cert"), "-tls_key", filepath.Join(secretDir, "key"),
			"-tls_ca", filepath.Join(secretDir, "ca")}
	case files["token"] != "":
		b.identity = append(b.identity, "-enroll_token", filepath.Join(secretDir, "token"))
	}
}

// prepareDeclaration decides whether bessd is handed the declaration of the
// seed. The store of bessd goes before it, unless the seed is another than
// the one whose declaration was accepted: then the store makes room for as
// long as it is not sure that the new one is.
func (b *box) prepareDeclaration() {
	b.restoreStore() // the power may have failed in between
	if !b.told.usable() || len(b.told.Declaration) == 0 {
		b.facts.good("declaration")
		return
	}
	if err := writeFile(declarationFile, b.told.Declaration, 0o600); err != nil {
		b.facts.bad("declaration", "%v", err)
		return
	}
	b.handing = true
	if b.data == nil {
		return
	}
	was, err := readInstance()
	if err != nil || was.Told == "" || was.Told == b.told.name() {
		return
	}
	err = os.Rename(storeDir, storeBefore)
	if err == nil {
		err = os.Mkdir(storeDir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.facts.bad("declaration", "the stored one does not make room: %v", err)
		return
	}
	logf(notice, "the seed is another one than before: its declaration replaces the stored one")
}

// restoreStore brings the store back that made room, if one did.
func (b *box) restoreStore() bool {
	if _, err := os.Stat(storeBefore); err != nil {
		return false
	}
	err := os.RemoveAll(storeDir)
	if err == nil {
		err = os.Rename(storeBefore, storeDir)
	}
	if err != nil {
		b.facts.bad("declaration", "the stored one does not come back: %v", err)
		return false
	}
	return true
}

// accepted notes that bessd serves, and with it the declaration that it was
// handed. It is handed again should bessd start again: what is stored by then
// goes before it.
func (b *box) accepted() {
	if !b.handing {
		return
	}
	b.facts.good("declaration")
	if b.data == nil {
		return
	}
	i, err := readInstance()
	if err == nil && i.Told != b.told.name() {
		i.Told = b.told.name()
		err = i.write()
	}
	if err == nil {
		err = os.RemoveAll(storeBefore)
	}
	if err != nil {
		b.facts.bad("declaration", "%v", err)
	}
}

// refused is called when bessd has ended. If it did before it served, and was
// handed a declaration, that is the likely reason: it goes on without.
func (b *box) refused(served bool) {
	if served || !b.handing {
		return
	}
	b.handing = false
	more := ""
	if b.restoreStore() {
		more = "; the stored one is used"
	}
	b.facts.bad("declaration", "bessd does not serve with the one of the seed%s: %s", more, log.lastWords())
}
