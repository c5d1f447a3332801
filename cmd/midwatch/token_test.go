package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
)

// said runs a command as a person would, and returns what it printed.
func said(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	if _, err := said(t, "token", "list", "--data", dir); err == nil || !strings.Contains(err.Error(), "no installation") {
		t.Fatalf("without an installation: %v", err)
	}
	in := installation{settings: settings{Data: dir}}
	open := func() *metadata.DB {
		t.Helper()
		db, err := in.metadata(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	db := open()
	for _, never := range []string{"0", "0d", "0s", "-1h"} {
		if out, err := said(t, "token", "create", "--subject", "pager", "--expires", never, "--data", dir); err == nil {
			t.Errorf("--expires %s made %s", never, out)
		}
	}
	text, err := said(t, "token", "create", "--subject", "pager", "--role", "reporter", "--expires", "1h", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	text = strings.TrimSpace(text)
	who, err := auth.Authenticate(t.Context(), db, text)
	if err != nil || who.Subject != "pager" || who.Role != auth.Reporter {
		t.Fatalf("%+v, %v", who, err)
	}
	list, err := said(t, "token", "list", "--data", dir)
	if err != nil || !strings.Contains(list, who.Token+"  pager") || !strings.Contains(list, "valid until ") || strings.Contains(list, text) {
		t.Fatalf("%s%v", list, err)
	}
	if _, err := said(t, "token", "revoke", who.Token, "--data", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Authenticate(t.Context(), db, text); err == nil {
		t.Error("a revoked token opens")
	}
	if list, _ := said(t, "token", "list", "--data", dir); !strings.Contains(list, "revoked") {
		t.Error(list)
	}
	if _, err := said(t, "token", "revoke", "nobody", "--data", dir); err == nil || !strings.Contains(err.Error(), "token list") {
		t.Errorf("revoke what is not there: %v", err)
	}
}

func TestSenderToken(t *testing.T) {
	dir := t.TempDir()
	in := installation{settings: settings{Data: dir}}
	db, err := in.metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, args := range [][]string{
		{"--role", "sender"},
		{"--role", "viewer", "--environment", "prod"},
		{"--role", "viewer", "--series", "5"},
		{"--role", "sender", "--environment", "prod", "--bytes-per-second", "-1"},
	} {
		if out, err := said(t, append([]string{"token", "create", "--subject", "shop", "--data", dir}, args...)...); err == nil {
			t.Errorf("%v made %s", args, out)
		}
	}
	text, err := said(t, "token", "create", "--subject", "shop", "--role", "sender", "--environment", "prod",
		"--bytes-per-second", "1000", "--requests-per-second", "20", "--series", "300", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.TokensOf(t.Context(), "sender")
	want := metadata.Limits{BytesPerSecond: 1000, RequestsPerSecond: 20, Series: 300}
	if err != nil || len(list) != 1 || list[0].Environment != "prod" || list[0].Limits != want {
		t.Fatalf("%+v, %v", list, err)
	}
	if who, err := auth.Authenticate(t.Context(), db, strings.TrimSpace(text)); err != nil || who.Role != auth.Sender {
		t.Fatalf("%+v, %v", who, err)
	}
	if shown, err := said(t, "token", "list", "--data", dir); err != nil || !strings.Contains(shown, "sender  prod") {
		t.Errorf("%s%v", shown, err)
	}
}
