package temporaltest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/workers/temporaltest"
	"github.com/midwatch/midwatch/workflows"
)

func TestEmbeddedServer(t *testing.T) {
	s := temporaltest.Start(t)
	t.Run("needs a certificate", func(t *testing.T) {
		id, err := pki.Load(s.PKI, pki.API)
		if err != nil {
			t.Fatal(err)
		}
		cfg := id.Client(pki.Temporal)
		cfg.GetClientCertificate = nil
		refused(t, s, client.ConnectionOptions{TLS: cfg})
	})
	t.Run("refuses plain text", func(t *testing.T) { refused(t, s, client.ConnectionOptions{}) })
	t.Run("refuses parts that have no business here", func(t *testing.T) {
		id, err := pki.Load(s.PKI, pki.Exporter)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s, client.ConnectionOptions{TLS: id.Client(pki.Temporal)})
	})
	t.Run("the sandbox role can neither start nor signal", func(t *testing.T) { sandboxIsConfined(t, s) })
	t.Run("has namespaces and search attributes", func(t *testing.T) { described(t, s) })
	t.Run("its UI shows and does not write", func(t *testing.T) { uiReadsOnly(t, s) })
}

func refused(t *testing.T, s *temporaltest.Server, o client.ConnectionOptions) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	options := s.Options(pki.API, workflows.Namespace)
	options.ConnectionOptions = o
	c, err := client.DialContext(ctx, options)
	if err == nil {
		defer c.Close()
		_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: workflows.Namespace})
	}
	if err == nil {
		t.Error("it was let in")
	}
}

func sandboxIsConfined(t *testing.T, s *temporaltest.Server) {
	c := s.Client(pki.Sandbox)
	ctx := t.Context()
	_, started := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "x", TaskQueue: workflows.OrchestrateQueue}, workflows.RemediationWorkflow)
	signalled := c.SignalWorkflow(ctx, "x", "", workflows.ApprovalSignal, nil)
	_, polled := c.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: workflows.Namespace, TaskQueue: queue(workflows.ApplyQueue),
	})
	for what, err := range map[string]error{"start": started, "signal": signalled, "poll of another queue": polled} {
		var denied *serviceerror.PermissionDenied
		if !errors.As(err, &denied) {
			t.Errorf("%s: %v, want permission denied", what, err)
		}
	}
}

func described(t *testing.T, s *temporaltest.Server) {
	c := s.Client(pki.API)
	for ns, retention := range map[string]time.Duration{workflows.Namespace: 30 * 24 * time.Hour, workflows.WatchNamespace: 24 * time.Hour} {
		d, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: ns})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != retention {
			t.Errorf("%s keeps %s, want %s", ns, got, retention)
		}
	}
	attributes, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: workflows.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MidwatchService", "MidwatchSeverity", "MidwatchTrigger", "MidwatchVerdict", "MidwatchPhase"} {
		if _, ok := attributes.GetCustomAttributes()[want]; !ok {
			t.Errorf("no search attribute %s", want)
		}
	}
}

func uiReadsOnly(t *testing.T, s *temporaltest.Server) {
	trust, err := pki.Trust(s.PKI, pki.Temporal)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	if status, body := ask(t, web, http.MethodGet, "https://"+s.UI+"/"); status != http.StatusOK || !strings.Contains(body, "<html") {
		t.Errorf("page: %d", status)
	}
	if status, body := ask(t, web, http.MethodGet, "https://"+s.UI+"/api/v1/namespaces/midwatch"); status != http.StatusOK || !strings.Contains(body, "MidwatchPhase") {
		t.Errorf("namespace: %d %s", status, body)
	}
	if status, _ := ask(t, web, http.MethodPost, "https://"+s.UI+"/api/v1/namespaces/midwatch/workflows/x"); status < 400 {
		t.Errorf("starting a workflow: %d", status)
	}
	req, _ := http.NewRequest(http.MethodGet, "https://"+s.UI+"/", nil)
	req.Host = "attacker.example"
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("foreign name: %d", res.StatusCode)
	}
	if _, err := tls.Dial("tcp", s.UI, trust); err != nil {
		t.Error(err)
	}
}

func ask(t *testing.T, web *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestStopsInOrderAndKeepsItsFile(t *testing.T) {
	s := temporaltest.Start(t)
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	s.Restart()
	described(t, s)
	info, err := os.Stat(s.DB)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("database file: %v %v", info, err)
	}
}
