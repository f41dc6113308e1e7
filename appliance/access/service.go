// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/x509"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// service implements bess.access.v1.Access.
type service struct {
	accesspb.UnimplementedAccessServer
	guard *Guard
}

// Enroll exchanges a join token for a client certificate.
func (s *service) Enroll(ctx context.Context, r *accesspb.EnrollRequest) (*accesspb.EnrollResponse, error) {
	g := s.guard
	if g.home == nil {
		return nil, status.Error(codes.FailedPrecondition, errNoAuthority.Error())
	}
	var cert *x509.Certificate
	var role pki.Role
	err := g.token.use(r.GetToken(), hostOf(ctx), func(granted pki.Role) error {
		role = granted
		var err error
		cert, err = g.home.enroll([]byte(r.GetCsr()), granted)
		return err
	})
	if err != nil {
		return nil, err
	}
	g.log.Info("client enrolled", "name", cert.Subject.CommonName, "role", role.String(), "peer", hostOf(ctx), "fingerprint", pki.Fingerprint(cert))
	g.renew() // with the addresses that this machine has got by now
	g.files.reload()
	return &accesspb.EnrollResponse{
		Chain: string(pki.EncodeCerts(cert)), Ca: string(pki.EncodeCerts(g.home.ca.Cert)), Role: role.String(),
	}, nil
}

// CreateToken makes a join token for one more client.
func (s *service) CreateToken(_ context.Context, r *accesspb.CreateTokenRequest) (*accesspb.CreateTokenResponse, error) {
	g := s.guard
	if g.home == nil {
		return nil, status.Error(codes.FailedPrecondition, errNoAuthority.Error())
	}
	role, err := pki.ParseRole(r.GetRole())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	life := time.Duration(r.GetSeconds()) * time.Second
	if life > maxLife {
		return nil, status.Error(codes.InvalidArgument, errLife.Error())
	}
	if life == 0 {
		life = tokenLife
	}
	token, err := g.token.create(role, life)
	if err != nil {
		return nil, err
	}
	return &accesspb.CreateTokenResponse{
		Token: token, Seconds: uint32(life / time.Second), Fingerprint: pki.Fingerprint(g.files.current.Load().leaf),
	}, nil
}

// WhoAmI tells the caller's identity and the daemon's.
func (s *service) WhoAmI(ctx context.Context, _ *accesspb.WhoAmIRequest) (*accesspb.WhoAmIResponse, error) {
	id, _ := From(ctx)
	resp := &accesspb.WhoAmIResponse{Name: id.Name, Role: id.Role.String(), Clock: time.Now().Unix()}
	if f := s.guard.files; f != nil {
		leaf := f.current.Load().leaf
		resp.Instance, resp.Fingerprint = pki.Instance(leaf), pki.Fingerprint(leaf)
		resp.NotBefore, resp.NotAfter = leaf.NotBefore.Unix(), leaf.NotAfter.Unix()
		resp.Problem = *f.problem.Load()
	}
	return resp, nil
}

// Loggable returns a request without what must not be in a log.
func Loggable(req any) any {
	if _, ok := req.(*accesspb.EnrollRequest); ok {
		return "(a join token and a certificate request)"
	}
	return req
}
