package recording_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/recording"
)

// demoRecording reads a real one: the demo's last by name, whatever it is of.
func demoRecording(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("../../deploy/demo/recordings/*.otlp.zst")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings of the demo: %v", err)
	}
	b, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counted is what a recording holds of a service, and when its batches came.
func counted(t *testing.T, file []byte, start time.Time, service string) (batches, resources int, last time.Time) {
	t.Helper()
	err := recording.Each(bytes.NewReader(file), start, func(b recording.Batch) error {
		batches, last = batches+1, b.At
		b.Only(func(resource pcommon.Map) bool {
			if v, ok := resource.Get("service.name"); ok && v.Str() == service {
				resources++
			}
			return true
		})
		return nil
	})
	must(t, err)
	return batches, resources, last
}

func TestRewriteTakesOutAndRenames(t *testing.T) {
	file := demoRecording(t)
	var out bytes.Buffer
	must(t, recording.Rewrite(bytes.NewReader(file), &out, func(b recording.Batch) error {
		b.Only(func(resource pcommon.Map) bool {
			v, ok := resource.Get("service.name")
			return !ok || v.Str() != "cart"
		})
		b.Texts(func(text string) string { return strings.ReplaceAll(text, "gateway", "front door") })
		return nil
	}))
	start := time.Now()
	batches, carts, last := counted(t, file, start, "cart")
	_, gateways, _ := counted(t, file, start, "gateway")
	left, cartsLeft, lastLeft := counted(t, out.Bytes(), start, "cart")
	_, gatewaysLeft, _ := counted(t, out.Bytes(), start, "gateway")
	_, doors, _ := counted(t, out.Bytes(), start, "front door")
	if carts == 0 || cartsLeft != 0 || gateways == 0 || gatewaysLeft != 0 || doors != gateways {
		t.Errorf("carts %d, then %d; gateways %d, then %d and %d of the new name", carts, cartsLeft, gateways, gatewaysLeft, doors)
	}
	if left != batches || !lastLeft.Equal(last) {
		t.Errorf("%d batches until %s, before %d until %s", left, lastLeft, batches, last)
	}
}

func TestUploadSendsEverythingAndSaysWhatWasRefused(t *testing.T) {
	file := demoRecording(t)
	var mu sync.Mutex
	came, refuse := map[string]int{}, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		came[r.URL.Path]++
		if refuse && r.URL.Path == "/v1/logs" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	play := func(to func(recording.Batch) error) error {
		return recording.Each(bytes.NewReader(file), time.Now(), to)
	}
	must(t, recording.Upload(t.Context(), server.Client(), server.URL, play))
	batches, _, _ := counted(t, file, time.Now(), "")
	if sum := came["/v1/logs"] + came["/v1/metrics"] + came["/v1/traces"]; sum != batches || len(came) != 3 {
		t.Errorf("%d batches came as %v", batches, came)
	}
	refuse = true
	if err := recording.Upload(t.Context(), server.Client(), server.URL, play); err == nil || !strings.Contains(err.Error(), fmt.Sprint(http.StatusTooManyRequests)) {
		t.Errorf("a refusal gave %v", err)
	}
}
