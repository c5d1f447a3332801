package bedrock

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

func scripted(t *testing.T, s llmtest.Script) (*llmtest.Server, llm.ProviderConfig) {
	t.Helper()
	server, err := llmtest.Bedrock(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg, err := server.Entry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return server, cfg
}

func question(model string) llm.Request {
	return llm.Request{
		Model: model, System: "You keep watch.", MaxTokens: 100,
		Tools:    []llm.Tool{{Name: "errors", Schema: json.RawMessage(`{"type":"object"}`)}},
		Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Text: "What broke?"}}}},
	}
}

// rerouted sends what is meant for AWS's token service to the scripted one, signed for the real host as it is.
func rerouted(server *llmtest.Server) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Hostname() == "sts."+llmtest.Region+".amazonaws.com" && r.URL.Scheme == "https" {
			r = r.Clone(r.Context())
			r.Host = r.URL.Host
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL(), "http://")
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRole(t *testing.T) {
	server, cfg := scripted(t, llmtest.Sequence(llmtest.Say("as the role")))
	cfg.RoleARN, cfg.ExternalID = llmtest.RoleARN, llmtest.ExternalID
	p, err := New(cfg, rerouted(server))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Complete(t.Context(), question(cfg.Model)); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Calls()[0].Header.Get("X-Amz-Security-Token"); got == "" {
		t.Error("the call was not signed as the role")
	}
	cfg.ExternalID = "of somebody else"
	p, err = New(cfg, rerouted(server))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Complete(t.Context(), question(cfg.Model)); llm.KindOf(err) != llm.Denied {
		t.Errorf("with a wrong external id: %v", err)
	}
	down := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
	})}
	p, err = New(cfg, down)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Complete(t.Context(), question(cfg.Model)); llm.KindOf(err) != llm.Unreachable {
		t.Errorf("with the token service out of reach: %v", err)
	}
}

// TestAccounts says whose credentials an entry means, and that an entry without any does not find somebody else's.
func TestAccounts(t *testing.T) {
	dir := t.TempDir()
	shared := filepath.Join(dir, "shared")
	keys := "[own]\naws_access_key_id = " + llmtest.AccessKey + "\naws_secret_access_key = " + llmtest.SecretKey + "\n[hollow]\nregion = x\n"
	if err := os.WriteFile(shared, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", shared)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "none"))
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/of-the-machine")
	server, standard := scripted(t, llmtest.Sequence(llmtest.Say("paid")))
	for _, c := range []struct {
		name   string
		change func(*llm.ProviderConfig)
		want   string // in the error of New; "": it works
	}{
		{"profile", func(c *llm.ProviderConfig) { c.KeyFile, c.Profile = "", "own" }, ""},
		{"section of the key file", func(c *llm.ProviderConfig) { c.KeyFile, c.Profile = shared, "own" }, ""},
		{"section that is not there", func(c *llm.ProviderConfig) { c.Profile = "own" }, "in section [own]"},
		{"section without keys", func(c *llm.ProviderConfig) { c.KeyFile, c.Profile = shared, "hollow" }, "in section [hollow]"},
		{"profile without keys", func(c *llm.ProviderConfig) { c.KeyFile, c.Profile = "", "hollow" }, "profile hollow of the shared AWS configuration holds no credentials"},
		{"profile that is not there", func(c *llm.ProviderConfig) { c.KeyFile, c.Profile = "", "nobody" }, "nobody"},
		{"own account without credentials", func(c *llm.ProviderConfig) { c.KeyFile, c.Environment = "", "shop" }, "not those of environment shop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := standard
			c.change(&cfg)
			p, err := New(cfg, nil)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Complete(t.Context(), question(cfg.Model)); err != nil {
				t.Error(err)
			}
		})
	}
	if server.Count() != 2 {
		t.Errorf("%d calls, want 2", server.Count())
	}
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	cfg := standard
	cfg.KeyFile = ""
	p, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Complete(t.Context(), question(cfg.Model)); llm.KindOf(err) != llm.Denied {
		t.Errorf("the installation's account without credentials: %v", err)
	}
}

// TestTamperedRequest shows that the server's judgement of signatures covers the body and the path.
func TestTamperedRequest(t *testing.T) {
	server, cfg := scripted(t, llmtest.Sequence(llmtest.Say("must not be said")))
	for name, tamper := range map[string]func(r *http.Request){
		"body": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"messages":[]}`)), 15
		},
		"path":   func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/model/dearer/converse-stream", "" },
		"host":   func(r *http.Request) { r.Host = "elsewhere" },
		"date":   func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") },
		"nobody": func(r *http.Request) { r.Header.Del("Authorization") },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(cfg, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				tamper(r)
				return http.DefaultTransport.RoundTrip(r)
			})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Complete(t.Context(), question(cfg.Model)); llm.KindOf(err) != llm.Denied {
				t.Errorf("got %v", err)
			}
		})
	}
	if server.Count() != 0 || server.Refused() != 5 {
		t.Errorf("%d calls, %d refused", server.Count(), server.Refused())
	}
}

// TestFamilies is where cache points may be: a model that does not know them refuses the request.
func TestFamilies(t *testing.T) {
	server, cfg := scripted(t, llmtest.Sequence(llmtest.Say("ok")))
	p, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ model, want string }{
		{"eu.anthropic.claude-sonnet-4-20250514-v1:0", "system tools messages"},
		{"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0", "system tools messages"},
		{"anthropic.claude-3-haiku-20240307-v1:0", ""},
		{"amazon.nova-pro-v1:0", "system messages"},
		{"arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3", ""},
		{"meta.llama3-3-70b-instruct-v1:0", ""},
	} {
		if _, err := p.Complete(t.Context(), question(c.model)); err != nil {
			t.Fatalf("%s: %v", c.model, err)
		}
		call := server.Calls()[i]
		if got := strings.Join(call.Cached, " "); got != c.want || call.Request.Model != c.model {
			t.Errorf("%s: cache points at %q, want %q", c.model, got, c.want)
		}
	}
}
