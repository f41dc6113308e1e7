// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// key is an ed25519 key (RFC 8032), in files as PEM: PKCS #8 and PKIX, as
// openssl writes them. Signatures are the 64 raw bytes.
type key struct{ private ed25519.PrivateKey }

func (k key) sign(text []byte) []byte { return ed25519.Sign(k.private, text) }

func (k key) publicDER() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		panic(err) // not for an ed25519 key
	}
	return der
}

func (k key) writePublic(name string) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.publicDER()}), 0o644)
}

// signingKey returns the key to sign with. Without one a development key is
// made once and kept outside of what is built.
func (b *builder) signingKey() (key, signing, error) {
	name, development := b.signKey, b.signKey == ""
	if development {
		name = filepath.Join(b.keys, "development.pem")
	}
	k, err := readKey(name)
	if development && errors.Is(err, fs.ErrNotExist) {
		k, err = makeKey(name)
	}
	if err != nil {
		return k, signing{}, fmt.Errorf("signing key: %w", err)
	}
	sum := sha256.Sum256(k.publicDER())
	s := signing{Algorithm: "ed25519", PublicKey: hex.EncodeToString(sum[:]), Development: development}
	if development {
		s.Note = "signed with a key made on the machine that built this: it vouches for nothing; sign releases with SIGN_KEY"
	}
	return k, s, nil
}

func readKey(name string) (key, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return key{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return key{}, fmt.Errorf("%s: no PEM in it; make a key with: openssl genpkey -algorithm ed25519 -out FILE", name)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return key{}, fmt.Errorf("%s: %w", name, err)
	}
	private, ok := any.(ed25519.PrivateKey)
	if !ok {
		return key{}, fmt.Errorf("%s: a %T: must be an ed25519 key", name, any)
	}
	return key{private}, nil
}

func makeKey(name string) (key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return key{}, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return key{}, err
	}
	return key{private}, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func verifyCommand(args []string) error {
	fs := flag.NewFlagSet("verify", flag.ContinueOnError)
	pub := fs.String("pub", "", "PEM `file` with the public key you trust; without it the one beside the manifest, which proves nothing but that no file is damaged")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return errors.New("verify [-pub FILE] DIR")
	}
	dir := fs.Arg(0)
	trusted := *pub != ""
	if !trusted {
		*pub = filepath.Join(dir, publicFile)
	}
	m, err := verify(dir, *pub)
	if err != nil {
		return err
	}
	fmt.Printf("%s %s: signature and %d files are good; key %s\n", m.Name, m.Version, len(m.Files), m.Signing.PublicKey)
	switch {
	case m.Signing.Development:
		fmt.Println("note: a development key: it vouches for nothing")
	case !trusted:
		fmt.Println("note: the key came with the image: compare it, or use -pub")
	}
	return nil
}

// verify checks the signature of a manifest and every file that it names.
func verify(dir, pub string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, err
	}
	sig, err := os.ReadFile(filepath.Join(dir, signatureFile))
	if err != nil {
		return nil, err
	}
	public, err := readPublic(pub)
	if err != nil {
		return nil, err
	}
	if !ed25519.Verify(public, text, sig) {
		return nil, fmt.Errorf("%s: the signature is not by the key of %s", filepath.Join(dir, manifestFile), pub)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	for _, f := range m.Files {
		if f.Name != filepath.Base(f.Name) {
			return nil, fmt.Errorf("%s: %q is not the name of a file beside it", manifestFile, f.Name)
		}
		sum, size, err := digest(filepath.Join(dir, f.Name))
		if err != nil {
			return nil, err
		}
		if sum != f.SHA256 || size != f.Bytes {
			return nil, fmt.Errorf("%s: %d bytes, SHA-256 %s: the manifest says %d, %s", f.Name, size, sum, f.Bytes, f.SHA256)
		}
	}
	return &m, nil
}

func readPublic(name string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM in it", name)
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	public, ok := any.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s: a %T: must be an ed25519 key", name, any)
	}
	return public, nil
}
