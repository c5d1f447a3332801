package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

var (
	// ErrSignature means an approval was not signed by the api's key, or was changed since.
	ErrSignature = errors.New("approval has no valid signature")
	// ErrExpired means an approval was valid once, or is not yet.
	ErrExpired = errors.New("approval is not valid at this time")
)

// ApprovalLife is how long a signed decision can be spent.
const ApprovalLife = 15 * time.Minute

// clockSkew is how far the api's clock may be ahead of the apply role's.
const clockSkew = time.Minute

// Decide makes the unsigned approval, or rejection, of one exact fix, valid for ApprovalLife, with a fresh nonce.
func Decide(fix investigation.Fix, approver string, approved bool) investigation.Approval {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return investigation.Approval{
		Environment: fix.Environment, Incident: fix.Incident, Fix: fix.ID, Digest: fix.Digest, Target: fix.Target,
		Approver: approver, Approved: approved, IssuedAt: now, ExpiresAt: now.Add(ApprovalLife), Nonce: random(16),
	}
}

// SignApproval sets the signature over everything else in a.
func SignApproval(key ed25519.PrivateKey, a *investigation.Approval) {
	a.Signature = ed25519.Sign(key, a.SigningBytes())
}

// VerifyApproval returns ErrSignature unless a was signed by the key's owner, then ErrExpired unless it is valid now.
// Whether it fits the fix, and whether its nonce is unspent, is for the caller to see.
func VerifyApproval(key ed25519.PublicKey, a investigation.Approval) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, a.SigningBytes(), a.Signature) {
		return ErrSignature
	}
	now := time.Now()
	if a.IssuedAt.After(now.Add(clockSkew)) || !now.Before(a.ExpiresAt) || a.ExpiresAt.Sub(a.IssuedAt) > ApprovalLife {
		return fmt.Errorf("%w: %s to %s", ErrExpired, a.IssuedAt.Format(time.RFC3339), a.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}
