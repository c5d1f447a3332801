// Package gatetest gives tests an account whose answers they write.
package gatetest

import (
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/llm/provider"
)

// Scripted is an account at a server of this test's own, reached as in production through a vendor's SDK: Anthropic's.
func Scripted(t testing.TB, s llmtest.Script) (*llmtest.Server, gate.Account) {
	t.Helper()
	return ScriptedAs(t, llm.KindAnthropic, s)
}

// ScriptedAs is Scripted at a provider of the given kind.
func ScriptedAs(t testing.TB, kind string, s llmtest.Script) (*llmtest.Server, gate.Account) {
	t.Helper()
	server, err := llmtest.Listen(kind, "127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	entry, err := server.Entry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := provider.New(entry)
	if err != nil {
		t.Fatal(err)
	}
	return server, gate.Account{ProviderConfig: entry, Provider: made}
}
