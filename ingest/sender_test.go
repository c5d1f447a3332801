package ingest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	meta "github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// receiver is an ingester that takes tokens, and a way to it without a certificate.
type receiver struct {
	*ingester
	tokens *meta.DB
	known  *auth.Senders
	trust  *tls.Config
}

func receiving(t *testing.T, change func(*ingest.Config)) *receiver {
	t.Helper()
	db := metadatatest.Open(t)
	r := &receiver{ingester: &ingester{db: storetest.Open(t), certs: t.TempDir()}, tokens: db, known: auth.NewSenders(db, nil)}
	go func() { _ = r.known.Run(t.Context()) }()
	r.serve(t, func(c *ingest.Config) {
		c.TLS, c.Senders = r.identity(t, pki.Ingester).ServerOrToken(pki.Exporter, pki.CLI), r.known
		c.RuleStates = func(context.Context) ([]byte, error) { return []byte("[]"), nil }
		if change != nil {
			change(c)
		}
	})
	var err error
	if r.trust, err = pki.Trust(r.certs, pki.Ingester); err != nil {
		t.Fatal(err)
	}
	return r
}

// token makes a sender's token and waits until the ingester knows it.
func (r *receiver) token(t *testing.T, environment string, limits meta.Limits) (text, id string) {
	t.Helper()
	text, kept, err := auth.Create(t.Context(), r.tokens, auth.Grant{Subject: "shop", Role: auth.Sender, Environment: environment, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	r.wait(t, func() bool { _, err := r.known.Authenticate(text); return err == nil })
	return text, kept.ID
}

func (r *receiver) wait(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited for a minute")
		}
	}
}

// send posts JSON and returns the answer; authorization "" sends no such header. It may be called from any goroutine.
func (r *receiver) send(t *testing.T, path, authorization, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.addrs.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return &http.Response{}, ""
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: r.trust, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp, string(answer)
}

// line is a log line over JSON; environment "" names none.
func line(text, environment string) string {
	named := ""
	if environment != "" {
		named = `{"key":"midwatch.environment","value":{"stringValue":"` + environment + `"}}`
	}
	return `{"resourceLogs":[{"resource":{"attributes":[` + named + `]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"` +
		fmt.Sprint(time.Now().UnixNano()) + `","body":{"stringValue":"` + text + `"}}]}]}]}`
}

func bearer(ctx context.Context, text string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+text)
}

func TestTokenSendsToItsEnvironment(t *testing.T) {
	r := receiving(t, nil)
	text, _ := r.token(t, "prod", meta.Limits{})
	for _, named := range []string{"", "prod", "other"} {
		if resp, answer := r.send(t, "/v1/logs", "Bearer "+text, line("named "+named, named)); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, answer)
		}
	}
	conn := r.dial(t, r.trust)
	td := spans("catalog", 1)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("midwatch.environment", "other")
	for _, compressor := range []string{"identity", "gzip", "zstd"} {
		td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName(compressor)
		_, err := ptraceotlp.NewGRPCClient(conn).Export(bearer(t.Context(), text), ptraceotlp.NewExportRequestFromTraces(td), grpc.UseCompressor(compressor))
		if err != nil {
			t.Fatalf("%s: %v", compressor, err)
		}
	}
	r.want(t, `SELECT toString(groupArray((environment, body))) FROM (SELECT * FROM logs ORDER BY body)`,
		`[('prod','named '),('prod','named other'),('prod','named prod')]`)
	r.want(t, `SELECT toString(groupArray((environment, name))) FROM (SELECT * FROM spans ORDER BY name)`, `[('prod','gzip'),('prod','identity'),('prod','zstd')]`)
	if n := r.srv.Counted(telemetry.Logs, "environment_other"); n != 1 {
		t.Errorf("%d resources counted that named another environment, want 1", n)
	}
}

func TestRefusesWhoHasNoValidToken(t *testing.T) {
	r := receiving(t, nil)
	good, _ := r.token(t, "prod", meta.Limits{})
	revoked, id := r.token(t, "prod", meta.Limits{})
	if err := r.tokens.RevokeToken(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.wait(t, func() bool { _, err := r.known.Authenticate(revoked); return errors.Is(err, auth.ErrUnauthenticated) })
	admin, err := auth.CreateToken(t.Context(), r.tokens, "ada", auth.Admin)
	if err != nil {
		t.Fatal(err)
	}
	reporter, err := auth.CreateToken(t.Context(), r.tokens, "alertmanager", auth.Reporter)
	if err != nil {
		t.Fatal(err)
	}
	conn := r.dial(t, r.trust)
	for name, header := range map[string]string{
		"none": "", "empty": "Bearer ", "no token": "Bearer", "wrong": "Bearer mw_x_y", "changed": "Bearer " + good[:len(good)-1] + "!", "revoked": "Bearer " + revoked,
		"an admin's": "Bearer " + admin, "a reporter's": "Bearer " + reporter, "another scheme": "Basic " + good, "no scheme": good,
	} {
		for _, path := range []string{"/v1/logs", "/v1/traces", "/v1/metrics"} {
			resp, answer := r.send(t, path, header, line("x", ""))
			if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" || !strings.Contains(answer, `"code":16`) {
				t.Errorf("%s: %s: %s %s", name, path, resp.Status, answer)
			}
		}
		ctx := t.Context()
		if header != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
		}
		_, traces := ptraceotlp.NewGRPCClient(conn).Export(ctx, ptraceotlp.NewExportRequestFromTraces(spans("x", 1)))
		_, logLines := plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(logs("x", 1)))
		_, metrics := pmetricotlp.NewGRPCClient(conn).Export(ctx, pmetricotlp.NewExportRequest())
		var answer []byte
		asked := conn.Invoke(ctx, "/"+rules.StatesService+"/"+rules.StatesMethod, []byte{}, &answer, grpc.ForceCodec(plain{}))
		for signal, err := range map[string]error{"traces": traces, "logs": logLines, "metrics": metrics, "rules": asked} {
			if status.Code(err) != codes.Unauthenticated {
				t.Errorf("%s: gRPC %s: %v", name, signal, err)
			}
		}
	}
	r.want(t, `SELECT toString((SELECT count() FROM logs) + (SELECT count() FROM spans))`, "0")
	if n := r.srv.Counted(telemetry.Logs, "request_unauthenticated"); n != 20 {
		t.Errorf("%d requests counted, want 20", n)
	}
	var answer []byte
	err = conn.Invoke(bearer(t.Context(), good), "/"+rules.StatesService+"/"+rules.StatesMethod, []byte{}, &answer, grpc.ForceCodec(plain{}))
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a sender asked for rules: %v", err)
	}
}

func TestNothingIsReadOfStrangers(t *testing.T) {
	r := receiving(t, nil)
	never, end := io.Pipe() // a body that does not come
	defer func() { _ = end.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.addrs.HTTP+"/v1/logs", never)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: r.trust}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status)
	}
	stream, err := r.dial(t, r.trust).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true},
		"/opentelemetry.proto.collector.logs.v1.LogsService/Export", grpc.ForceCodec(plain{}))
	if err != nil {
		t.Fatal(err)
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); status.Code(err) != codes.Unauthenticated {
		t.Errorf("gRPC: %v", err)
	}
}

func TestCertificateOfAnotherPartIsRefusedWithATokenToo(t *testing.T) {
	r := receiving(t, nil)
	text, _ := r.token(t, "prod", meta.Limits{})
	r.trust = r.identity(t, pki.Sandbox).Client(pki.Ingester)
	_, err := ptraceotlp.NewGRPCClient(r.dial(t, r.trust)).Export(bearer(t.Context(), text), ptraceotlp.NewExportRequestFromTraces(spans("x", 1)))
	if status.Code(err) != codes.Unavailable { // the handshake fails
		t.Errorf("%v", err)
	}
	r.want(t, `SELECT toString(count()) FROM spans`, "0")
}

func TestSendersDoNotShareIDs(t *testing.T) {
	r := receiving(t, nil)
	a, _ := r.token(t, "a", meta.Limits{})
	b, _ := r.token(t, "b", meta.Limits{})
	client := plogotlp.NewGRPCClient(r.dial(t, r.trust))
	named, unnamed := logs("cart", 3), logs("cart", 5)
	for _, ctx := range []context.Context{bearer(t.Context(), a), bearer(t.Context(), b)} {
		for range 2 { // its own retry is recognised
			if _, err := client.Export(metadata.AppendToOutgoingContext(ctx, receive.HeaderBatchID, "1"), plogotlp.NewExportRequestFromLogs(named)); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Export(ctx, plogotlp.NewExportRequestFromLogs(unnamed)); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.want(t, `SELECT toString(groupArray((environment, n))) FROM (SELECT environment, count() AS n FROM logs GROUP BY environment ORDER BY environment)`,
		`[('a',8),('b',8)]`)
}

func TestRateLimitOfAToken(t *testing.T) {
	r := receiving(t, nil)
	slow, _ := r.token(t, "slow", meta.Limits{RequestsPerSecond: 1})
	large, _ := r.token(t, "large", meta.Limits{BytesPerSecond: 10})
	other, _ := r.token(t, "other", meta.Limits{})
	const sent = 60 // at once: ten are let through, and one more each second
	var refused atomic.Int64
	var all sync.WaitGroup
	for i := range sent {
		all.Go(func() {
			resp, answer := r.send(t, "/v1/logs", "Bearer "+slow, line(fmt.Sprint(i), ""))
			switch after, err := strconv.Atoi(resp.Header.Get("Retry-After")); {
			case resp.StatusCode == http.StatusTooManyRequests && err == nil && after >= 1:
				refused.Add(1)
			case resp.StatusCode != http.StatusOK:
				t.Error(resp.Status, resp.Header, answer)
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 {
		t.Error("60 requests at once, and none was refused")
	}
	if n := r.srv.Counted(telemetry.Logs, "request_rate"); n != refused.Load() {
		t.Errorf("%d counted, %d refused", n, refused.Load())
	}
	client := plogotlp.NewGRPCClient(r.dial(t, r.trust))
	if _, err := client.Export(bearer(t.Context(), large), plogotlp.NewExportRequestFromLogs(logs("cart", 100))); err != nil {
		t.Fatal("what fits a full bucket, and overdraws it:", err)
	}
	_, err := client.Export(bearer(t.Context(), large), plogotlp.NewExportRequestFromLogs(logs("cart", 1)))
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted || len(st.Details()) != 1 {
		t.Fatal(err)
	}
	if info, ok := st.Details()[0].(*errdetails.RetryInfo); !ok || info.GetRetryDelay().AsDuration() < 10*time.Second {
		t.Errorf("%v", st.Details())
	}
	if _, err := client.Export(bearer(t.Context(), other), plogotlp.NewExportRequestFromLogs(logs("cart", 1))); err != nil {
		t.Error("another token has its own limits:", err)
	}
	r.want(t, `SELECT toString(count()) FROM logs WHERE environment IN ('slow', 'large')`, fmt.Sprint(sent-refused.Load()+100))
}
