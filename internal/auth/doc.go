// Package auth says who a caller is and what they may do, by tokens with roles, and signs and verifies approvals of
// fixes. Package pki has the certificates.
package auth
