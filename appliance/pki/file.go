// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	certBlock    = "CERTIFICATE"
	requestBlock = "CERTIFICATE REQUEST"
	keyBlock     = "PRIVATE KEY"
)

// Fingerprint returns the SHA-256 of a certificate as 64 hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Instance returns what tells one daemon's key from another's: the first 16
// hexadecimal digits of the SHA-256 of its public key. It stays the same when
// the certificate is renewed for the same key.
func Instance(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:8])
}

// ParseFingerprint reads a fingerprint as people copy it: upper or lower
// case, with colons or blanks, perhaps with the name of the hash in front.
func ParseFingerprint(text string) (string, error) {
	s := strings.ToLower(text)
	for _, prefix := range []string{"sha256 fingerprint=", "sha256:", "sha256="} {
		s = strings.TrimPrefix(s, prefix)
	}
	s = strings.NewReplacer(":", "", " ", "", "\n", "").Replace(s)
	if b, err := hex.DecodeString(s); err != nil || len(b) != sha256.Size {
		return "", fmt.Errorf("fingerprint %q: must be a SHA-256: 64 hexadecimal digits", text)
	}
	return s, nil
}

// EncodeCerts writes certificates as PEM.
func EncodeCerts(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: certBlock, Bytes: c.Raw}) // a Buffer does not fail
	}
	return b.Bytes()
}

// ParseCerts reads all certificates in a PEM text; blocks of other types are
// skipped.
func ParseCerts(text []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != certBlock {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("no PEM block CERTIFICATE in it")
	}
	return list, nil
}

// EncodeKey writes a private key as PEM (PKCS #8).
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// ParseKey reads a private key in PEM: PKCS #8, or the older form of EC keys.
func ParseKey(text []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("no PEM block PRIVATE KEY in it")
		}
		var key any
		var err error
		switch block.Type {
		case keyBlock:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		if s, ok := key.(crypto.Signer); ok {
			return s, nil
		}
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
}

// ReadPair reads a certificate and its key from two files.
func ReadPair(certFile, keyFile string) (*Pair, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	certs, err := ParseCerts(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certFile, err)
	}
	if text, err = os.ReadFile(keyFile); err != nil {
		return nil, err
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(certs[0].PublicKey) {
		return nil, fmt.Errorf("%s is not the key of the certificate in %s", keyFile, certFile)
	}
	return &Pair{Cert: certs[0], Key: key}, nil
}

// Permissions of the files.
const (
	keyMode  fs.FileMode = 0o600
	certMode fs.FileMode = 0o644
)

// WriteKey writes a private key to a file that only its owner can read. An
// existing file is kept, and an error, unless force is set.
func WriteKey(file string, key crypto.Signer, force bool) error {
	text, err := EncodeKey(key)
	if err != nil {
		return err
	}
	return write(file, text, keyMode, force)
}

// WriteCerts writes certificates to a file. An existing file is kept, and an
// error, unless force is set.
func WriteCerts(file string, force bool, certs ...*x509.Certificate) error {
	return write(file, EncodeCerts(certs...), certMode, force)
}

// write writes a file whole or not at all: readers never see a half, and a
// crash leaves the old one.
func write(file string, text []byte, mode fs.FileMode, force bool) error {
	if _, err := os.Lstat(file); err == nil && !force {
		return fmt.Errorf("%s: %w; it is not overwritten unless told so", file, fs.ErrExist)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone once renamed
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if force {
		return os.Rename(tmp.Name(), file)
	}
	return os.Link(tmp.Name(), file) // fails if somebody was faster
}
