package ingest_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

func TestOverloadAsksSendersToWait(t *testing.T) {
	in := start(t, func(c *ingest.Config) { c.MaxWaiting = 1 }) // one request at a time
	client := ptraceotlp.NewGRPCClient(in.conn)
	var mu sync.Mutex
	stored, refused := 0, 0
	var senders sync.WaitGroup
	for i := range 20 {
		senders.Go(func() {
			_, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(fmt.Sprint("service-", i), 1)))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				stored++
				return
			}
			refused++
			if st := status.Convert(err); st.Code() != codes.ResourceExhausted || len(st.Details()) != 1 {
				t.Errorf("%v: want ResourceExhausted with a delay", err)
			} else if r, ok := st.Details()[0].(*errdetails.RetryInfo); !ok || r.GetRetryDelay().AsDuration() <= 0 {
				t.Errorf("delay %v", st.Details()[0])
			}
		})
	}
	senders.Wait()
	if stored == 0 || refused == 0 {
		t.Fatalf("%d stored, %d refused", stored, refused)
	}
	in.want(t, "SELECT toString(count()) FROM spans", fmt.Sprint(stored))
}

func TestOverloadOverHTTP(t *testing.T) {
	in := start(t, func(c *ingest.Config) { c.MaxWaiting = 1 })
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	var mu sync.Mutex
	codes := map[int]int{}
	var senders sync.WaitGroup
	for i := range 20 {
		senders.Go(func() {
			body := fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"line %d"}}]}]}]}`, i)
			resp, answer := in.post(t, conf, "/v1/logs", "application/json", "", []byte(body))
			mu.Lock()
			defer mu.Unlock()
			if resp == nil {
				t.Error(answer)
				return
			}
			codes[resp.StatusCode]++
			if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		})
	}
	senders.Wait()
	if codes[200] == 0 || codes[429] == 0 || codes[200]+codes[429] != 20 {
		t.Fatal(codes)
	}
	in.want(t, "SELECT toString(count()) FROM logs", fmt.Sprint(codes[200]))
}

func TestStoreOutageIsARetryableError(t *testing.T) {
	in := start(t, nil)
	if err := in.db.Exec(t.Context(), "RENAME TABLE spans TO spans_away"); err != nil {
		t.Fatal(err)
	}
	client := ptraceotlp.NewGRPCClient(in.conn)
	req := ptraceotlp.NewExportRequestFromTraces(spans("catalog", 3))
	if _, err := client.Export(t.Context(), req); status.Code(err) != codes.Unavailable {
		t.Fatalf("%v, want Unavailable", err)
	}
	if err := in.db.Exec(t.Context(), "RENAME TABLE spans_away TO spans"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Export(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	in.want(t, "SELECT toString(count()) FROM spans", "3")
}
