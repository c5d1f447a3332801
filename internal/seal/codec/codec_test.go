package codec_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/midwatch/midwatch/internal/seal"
	"github.com/midwatch/midwatch/internal/seal/codec"
)

func ring(t *testing.T) *seal.Ring {
	t.Helper()
	r, err := seal.LoadRing(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPayloadsAreSealed(t *testing.T) {
	const secret = "catalog lost its index"
	mine := codec.DataConverter(ring(t))
	p, err := mine.ToPayload(secret)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.String(), "catalog") || strings.Contains(p.String(), "json") {
		t.Errorf("payload is readable: %s", p)
	}
	var got string
	if err := mine.FromPayload(p, &got); err != nil || got != secret {
		t.Errorf("opened %q, %v", got, err)
	}
	if err := codec.DataConverter(ring(t)).FromPayload(p, &got); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another ring: %v, want ErrOpen", err)
	}
}

func TestPlainPayloadsPass(t *testing.T) {
	plain := []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"old"`)}}
	got, err := codec.New(ring(t)).Decode(plain)
	if err != nil || string(got[0].GetData()) != `"old"` {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHandlerOpensForTheBrowser(t *testing.T) {
	r := ring(t)
	p, err := codec.DataConverter(r).ToPayload("readable again")
	if err != nil {
		t.Fatal(err)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{p}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodPost, "/codec/decode", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	codec.Handler(r).ServeHTTP(w, req)
	var got commonpb.Payloads
	if err := protojson.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if data := string(got.GetPayloads()[0].GetData()); data != `"readable again"` {
		t.Errorf("browser sees %s", data)
	}
}
