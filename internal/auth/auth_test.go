package auth_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
)

func TestRoles(t *testing.T) {
	order := []auth.Role{auth.Viewer, auth.Operator, auth.Approver, auth.Admin}
	for _, need := range order {
		if auth.Reporter.Allows(need) {
			t.Errorf("a reporter may do what needs %s", need)
		}
	}
	for i, have := range order {
		for j, need := range order {
			if got := have.Allows(need); got != (i >= j) {
				t.Errorf("%s allows %s: %v", have, need, got)
			}
		}
	}
	for have, may := range map[auth.Role]bool{auth.Reporter: true, auth.Viewer: false, auth.Operator: true, auth.Admin: true, "": false} {
		if have.Allows(auth.Reporter) != may {
			t.Errorf("%s may report: %v", have, !may)
		}
	}
	for _, unknown := range []auth.Role{"", "root", "Admin"} {
		if unknown.Allows(auth.Viewer) || auth.Admin.Allows(unknown) {
			t.Errorf("role %q exists", unknown)
		}
		if unknown.Allows(auth.Reporter) || auth.Reporter.Allows(unknown) {
			t.Errorf("role %q and reporter", unknown)
		}
		if _, err := auth.ParseRole(string(unknown)); err == nil {
			t.Errorf("role %q was parsed", unknown)
		}
	}
}

func TestTokens(t *testing.T) {
	db, ctx := metadatatest.Open(t), t.Context()
	text, err := auth.CreateToken(ctx, db, "ada", auth.Operator)
	if err != nil {
		t.Fatal(err)
	}
	who, err := auth.Authenticate(ctx, db, text)
	if err != nil || who.Subject != "ada" || who.Role != auth.Operator || who.Session {
		t.Fatalf("caller %+v, %v", who, err)
	}
	expired, _, err := auth.Create(ctx, db, auth.Grant{Subject: "bob", Role: auth.Admin, ExpiresAt: time.Now().Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "mw_", "mw__", text + "0", text[:len(text)-1], strings.ToUpper(text), "Bearer " + text, expired, strings.Repeat("mw_", 1000)} {
		if _, err := auth.Authenticate(ctx, db, wrong); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("token %.20q: %v", wrong, err)
		}
	}
	if err := db.RevokeToken(ctx, who.Token); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Authenticate(ctx, db, text); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("revoked token: %v", err)
	}
}

func TestTokenIsNotKept(t *testing.T) {
	db := metadatatest.Open(t)
	text, kept, err := auth.Create(t.Context(), db, auth.Grant{Subject: "ada", Role: auth.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	secret := text[strings.LastIndex(text, "_")+1:]
	if strings.Contains(kept.Hash, secret) || len(secret) != 64 {
		t.Errorf("secret %q, hash %q", secret, kept.Hash)
	}
}

func TestCreateRefuses(t *testing.T) {
	db := metadatatest.Open(t)
	for _, g := range []auth.Grant{
		{Subject: "ada", Role: "root"},
		{Subject: " ", Role: auth.Admin},
		{Subject: strings.Repeat("a", 201), Role: auth.Admin},
		{Subject: "shop", Role: auth.Sender},
		{Subject: "shop", Role: auth.Sender, Environment: "prod", Limits: metadata.Limits{Series: -1}},
		{Subject: "ada", Role: auth.Viewer, Environment: "prod"},
		{Subject: "ada", Role: auth.Admin, Limits: metadata.Limits{Series: 1}},
	} {
		if _, _, err := auth.Create(t.Context(), db, g); err == nil {
			t.Errorf("made a token for %+v", g)
		}
	}
}

func TestSessions(t *testing.T) {
	db, ctx := metadatatest.Open(t), t.Context()
	token, kept, err := auth.Create(ctx, db, auth.Grant{Subject: "ada", Role: auth.Approver, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	session, s, err := auth.OpenSession(ctx, db, token)
	if err != nil {
		t.Fatal(err)
	}
	if s.ExpiresAt.After(kept.ExpiresAt) {
		t.Error("a session outlives its token")
	}
	who, err := auth.Authenticate(ctx, db, session)
	if err != nil || !who.Session || who.Role != auth.Approver {
		t.Errorf("caller %+v, %v", who, err)
	}
	reporter, err := auth.CreateToken(ctx, db, "alertmanager", auth.Reporter)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.OpenSession(ctx, db, reporter); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("a reporter opened a session: %v", err)
	}
	if _, _, err := auth.OpenSession(ctx, db, session); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("a session opened a session: %v", err)
	}
	if err := db.RevokeToken(ctx, kept.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Authenticate(ctx, db, session); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("session of a revoked token: %v", err)
	}
}

func TestApprovals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "approval")
	key, err := auth.LoadApprovalKey(path)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := auth.LoadApprovalPublicKey(path + auth.PublicSuffix)
	if err != nil {
		t.Fatal(err)
	}
	fix := investigation.Fix{ID: "fix-1", Incident: "inc-1", Environment: "dev", Target: "service/cart", CreatedAt: time.Now()}
	fix.Digest = fix.ContentDigest()
	good := auth.Decide(fix, "ada", true)
	auth.SignApproval(key, &good)
	var received investigation.Approval // as it arrives in a workflow
	if b, err := json.Marshal(good); err != nil || json.Unmarshal(b, &received) != nil {
		t.Fatal(err)
	}
	if err := auth.VerifyApproval(pub, received); err != nil {
		t.Fatal(err)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(a investigation.Approval) investigation.Approval { auth.SignApproval(key, &a); return a }
	changed := func(f func(*investigation.Approval)) investigation.Approval { a := good; f(&a); return a }
	cases := map[string]struct {
		key      ed25519.PublicKey
		approval investigation.Approval
		want     error
	}{
		"other key":    {other, good, auth.ErrSignature},
		"no key":       {nil, good, auth.ErrSignature},
		"unsigned":     {pub, changed(func(a *investigation.Approval) { a.Signature = nil }), auth.ErrSignature},
		"digest":       {pub, changed(func(a *investigation.Approval) { a.Digest = "x" }), auth.ErrSignature},
		"turned":       {pub, changed(func(a *investigation.Approval) { a.Approved = false }), auth.ErrSignature},
		"prolonged":    {pub, changed(func(a *investigation.Approval) { a.ExpiresAt = a.ExpiresAt.Add(time.Hour) }), auth.ErrSignature},
		"expired":      {pub, sign(changed(func(a *investigation.Approval) { a.ExpiresAt = time.Now() })), auth.ErrExpired},
		"future":       {pub, sign(changed(func(a *investigation.Approval) { a.IssuedAt = time.Now().Add(time.Hour) })), auth.ErrExpired},
		"life of ages": {pub, sign(changed(func(a *investigation.Approval) { a.ExpiresAt = a.ExpiresAt.Add(time.Hour) })), auth.ErrExpired},
	}
	for name, c := range cases {
		if err := auth.VerifyApproval(c.key, c.approval); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := auth.Decide(fix, "ada", true); again.Nonce == good.Nonce {
		t.Error("two approvals share a nonce")
	}
}

func TestApprovalKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "approval")
	keys := make([]ed25519.PrivateKey, 8)
	var wg sync.WaitGroup
	for i := range keys { // processes that start at once agree on one key
		wg.Go(func() {
			var err error
			if keys[i], err = auth.LoadApprovalKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys[1:] {
		if !k.Equal(keys[0]) {
			t.Error("two keys were made")
		}
	}
	for file, want := range map[string]os.FileMode{path: 0o600, path + auth.PublicSuffix: 0o644} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadApprovalKey(path); err == nil {
		t.Error("loaded a file that holds no key")
	}
}
