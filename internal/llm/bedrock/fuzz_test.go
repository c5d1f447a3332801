package bedrock

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// FuzzEvents puts hostile events into sound frames, which bytes at random never are. Whatever comes, the outcome is an
// error of this package or a response the ledger can keep.
func FuzzEvents(f *testing.F) {
	f.Add("event", "contentBlockDelta", []byte(`{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"a\""}}}`))
	f.Add("event", "contentBlockStart", []byte(`{"contentBlockIndex":-1,"start":{"toolUse":{"toolUseId":"a","name":"b"}}}`))
	f.Add("event", "contentBlockDelta", []byte(`{"delta":{"reasoningContent":{"text":"hm"}}}`))
	f.Add("event", "metadata", []byte(`{"usage":null}`))
	f.Add("event", "unheardOf", []byte(`[]`))
	f.Add("exception", "throttlingException", []byte(`{"message":1}`))
	f.Add("exception", "unheardOf", []byte(`{`))
	f.Add("error", "", []byte(nil))
	cfg := llm.ProviderConfig{
		Name: "f", Kind: llm.KindBedrock, Account: "a", Model: "m", Terms: "t", BaseURL: "http://127.0.0.1:1",
		KeyFile: filepath.Join(f.TempDir(), "key"), Region: llmtest.Region, Price: llm.Price{Input: 1},
	}
	if err := os.WriteFile(cfg.KeyFile, []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, name string, payload []byte) {
		var body bytes.Buffer
		for _, e := range []struct {
			kind, name string
			payload    []byte
		}{
			{"event", "contentBlockStart", []byte(`{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"a","name":"b"}}}`)},
			{kind, name, payload},
			{"event", "messageStop", []byte(`{"stopReason":"tool_use"}`)},
			{"event", "metadata", []byte(`{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}`)},
		} {
			var m eventstream.Message
			m.Headers.Set(":message-type", eventstream.StringValue(e.kind))
			m.Headers.Set(":event-type", eventstream.StringValue(e.name))
			m.Headers.Set(":exception-type", eventstream.StringValue(e.name))
			m.Payload = e.payload
			if eventstream.NewEncoder().Encode(&body, m) != nil {
				return // too large for a frame
			}
		}
		p, err := New(cfg, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(&body), ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Complete(t.Context(), question("m"))
		if err != nil {
			if llm.KindOf(err) == "" {
				t.Errorf("%s %s %q: %v is no error of this package", kind, name, payload, err)
			}
			return
		}
		if raw, err := json.Marshal(got); err != nil || got.Stop == "" || !json.Valid(raw) {
			t.Errorf("%s %s %q: %+v, %v", kind, name, payload, got, err)
		}
	})
}
