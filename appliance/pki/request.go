// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
)

// MaxRequest is the largest certificate signing request that is read, in
// bytes of PEM.
const MaxRequest = 16 << 10

// NewRequest returns a certificate signing request (RFC 2986) in PEM.
func NewRequest(name string, key crypto.Signer) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}), nil
}

// ParseRequest reads a certificate signing request in PEM and checks that its
// sender has the key. Only the name and the key count; whatever else it asks
// for is not looked at.
func ParseRequest(text []byte) (name string, pub crypto.PublicKey, err error) {
	if len(text) > MaxRequest {
		return "", nil, fmt.Errorf("certificate request: %d bytes: must be at most %d", len(text), MaxRequest)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != requestBlock {
		return "", nil, errors.New("certificate request: must be PEM with a block CERTIFICATE REQUEST")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := checkKey(r.PublicKey); err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return "", nil, fmt.Errorf("certificate request: not signed with its own key: %w", err)
	}
	if err := CheckName(r.Subject.CommonName); err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	return r.Subject.CommonName, r.PublicKey, nil
}

// checkKey refuses keys that are weak, or so large that checking them is work.
func checkKey(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if bits := k.Curve.Params().BitSize; bits < 256 {
			return fmt.Errorf("an ECDSA key of %d bits: must be P-256 or larger", bits)
		}
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 || bits > 8192 {
			return fmt.Errorf("an RSA key of %d bits: must be 2048 to 8192; ECDSA P-256 is better", bits)
		}
	default:
		return fmt.Errorf("a key of type %T: must be ECDSA, Ed25519 or RSA", pub)
	}
	return nil
}
