package provider_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/llm/provider"
)

// TestUnknownCertificate wants no byte of a request sent to whoever is not who the address says.
func TestUnknownCertificate(t *testing.T) {
	asked := false
	impostor := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	impostor.Config.ErrorLog = log.New(io.Discard, "", 0)
	impostor.StartTLS()
	defer impostor.Close()
	each(t, func(t *testing.T, kind string) {
		_, _, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("x")))
		cfg.BaseURL = impostor.URL
		p, err := provider.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Complete(t.Context(), ask(cfg)); llm.KindOf(err) != llm.Unreachable || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
		cfg.BaseURL = "http://example.com"
		if _, err := provider.New(cfg); err == nil || !strings.Contains(err.Error(), "https") {
			t.Errorf("plain http to another machine: %v", err)
		}
	})
	if asked {
		t.Error("a request was sent")
	}
}

// TestHeaders is all that leaves besides the request: nothing about this machine.
func TestHeaders(t *testing.T) {
	known := map[string]bool{
		"Accept": true, "Accept-Encoding": true, "Connection": true, "Content-Length": true, "Content-Type": true, "User-Agent": true,
		"X-Api-Key": true, "Anthropic-Version": true, "Authorization": true,
		"Amz-Sdk-Invocation-Id": true, "Amz-Sdk-Request": true, "X-Amz-Date": true,
	}
	each(t, func(t *testing.T, kind string) {
		p, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("x")))
		if _, err := p.Complete(t.Context(), ask(cfg)); err != nil {
			t.Fatal(err)
		}
		header := server.Calls()[0].Header
		for name := range header {
			if !known[name] {
				t.Errorf("header %s: %v", name, header[name])
			}
		}
		if agent := header.Get("User-Agent"); agent != "midwatch" {
			t.Errorf("user agent %q", agent)
		}
	})
}
