package ingest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	meta "github.com/midwatch/midwatch/internal/metadata"
)

// foreign builds the senders of another make, from a module of their own, and returns where they are.
func foreign(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "-C", "foreign", "build", "-o", dir, "./cmd/sdk", "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the senders: %v\n%s", err, out)
	}
	return dir
}

// run runs a sender to its end.
func run(t *testing.T, env []string, program string, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

func TestForeignSenders(t *testing.T) {
	programs := foreign(t)
	r := receiving(t, nil)
	token, _ := r.token(t, "prod", meta.Limits{})
	ca := filepath.Join(r.certs, "ca.pem")
	sdk := func(service, address, token string, more ...string) []string {
		return append([]string{
			"OTEL_SERVICE_NAME=" + service, "OTEL_RESOURCE_ATTRIBUTES=service.version=7,midwatch.environment=elsewhere", "OTEL_EXPORTER_OTLP_ENDPOINT=https://" + address,
			"OTEL_EXPORTER_OTLP_CERTIFICATE=" + ca, "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20" + token,
		}, more...)
	}
	t.Run("SDK over gRPC", func(t *testing.T) {
		if err := run(t, sdk("sdk-grpc", r.addrs.GRPC, token), filepath.Join(programs, "sdk")); err != nil {
			t.Fatal(err)
		}
		r.wantOfSDK(t, "sdk-grpc")
	})
	t.Run("SDK over HTTP, compressed", func(t *testing.T) {
		if err := run(t, sdk("sdk-http", r.addrs.HTTP, token, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"), filepath.Join(programs, "sdk"), "-http"); err != nil {
			t.Fatal(err)
		}
		r.wantOfSDK(t, "sdk-http")
	})
	t.Run("SDK with a wrong token", func(t *testing.T) {
		for _, args := range [][]string{nil, {"-http"}} {
			address := r.addrs.GRPC
			if args != nil {
				address = r.addrs.HTTP
			}
			if err := run(t, sdk("nobody", address, token+"0"), filepath.Join(programs, "sdk"), args...); err == nil {
				t.Errorf("%v: the SDK says that all was taken", args)
			}
		}
		r.want(t, `SELECT toString((SELECT count() FROM spans WHERE service = 'nobody') + (SELECT count() FROM logs WHERE service = 'nobody') +
			(SELECT count() FROM metric_series WHERE service = 'nobody'))`, "0")
	})
	for _, way := range []string{"grpc", "http"} {
		t.Run("telemetrygen over "+way, func(t *testing.T) { r.telemetrygen(t, filepath.Join(programs, "telemetrygen"), way, ca, token) })
	}
}

// wantOfSDK compares what cmd/sdk sends.
func (r *receiver) wantOfSDK(t *testing.T, service string) {
	t.Helper()
	of := func(query string) string {
		return strings.ReplaceAll(query, "SERVICE", "environment = 'prod' AND service = '"+service+"'")
	}
	r.want(t, of(`SELECT toString((count(), uniqExact(span_id), countIf(kind = 'server'), countIf(status = 'error'), anyIf(status_message, status = 'error'), any(service_version), any(scope), any(scope_version),
		uniqExact(attributes['n']), countIf(endsWith(attributes['text'], 'ÄÖ')), max(attributes['tags']), countIf(event_names = ['looked up']), countIf(length(link_traces) = 1)))
		FROM spans WHERE SERVICE`), `(100,100,99,1,'out of stock','7','foreign','1.2.3',100,99,'["a","b"]',99,99)`)
	r.want(t, of(`SELECT toString((count(), uniqExact(body), min(severity), max(severity_text), countIf(body = concat('line ', attributes['n'])), any(scope))) FROM logs WHERE SERVICE`),
		`(100,100,13,'WARN',100,'foreign')`)
	series := func(table string) string {
		return table + ` INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id) WHERE SERVICE`
	}
	r.want(t, of(`SELECT toString(arraySort(groupUniqArray((name, unit, kind, monotonic, value, attributes)))) FROM `+series("metric_samples")),
		`[('orders','{order}','sum_cumulative',true,100,{'kind':'book'}),('temperature','Cel','gauge',false,21.5,{})]`)
	r.want(t, of(`SELECT toString(groupUniqArray((name, unit, kind, count, sum, min, max, bounds, counts))) FROM `+series("histograms")),
		`[('duration','s','histogram_cumulative',100,4950,0,99,[10,50],[11,40,49])]`)
	r.want(t, of(`SELECT toString(groupUniqArray((name, count, sum, min, max, zero_count + arraySum(positive_counts) + arraySum(negative_counts)))) FROM `+series("exponential_histograms")),
		`[('weight',100,4950,0,99,100)]`)
}

func (r *receiver) telemetrygen(t *testing.T, program, way, ca, token string) {
	args := []string{"--ca-cert", ca, "--otlp-header", `authorization="Bearer ` + token + `"`, "--service", "gen-" + way, "--rate", "0", "--workers", "2", "--otlp-endpoint", r.addrs.GRPC}
	if way == "http" {
		args[len(args)-1] = r.addrs.HTTP
		args = append(args, "--otlp-http")
	}
	for signal, more := range map[string][]string{
		"traces": {"--traces", "150", "--child-spans", "2", "--span-links", "1"}, "logs": {"--logs", "200", "--body", "hello"}, "metrics": {"--metrics", "50", "--metric-type", "Sum", "--unique-timeseries"},
	} {
		if err := run(t, nil, program, append(append([]string{signal}, args...), more...)...); err != nil {
			t.Fatal(err)
		}
	}
	of := " WHERE environment = 'prod' AND service = 'gen-" + way + "'"
	r.want(t, `SELECT toString((count(), uniqExact(trace_id), countIf(parent_span_id = ''))) FROM spans`+of, `(900,300,300)`) // each trace: one and two
	r.want(t, `SELECT toString((count(), uniqExact(body), any(body))) FROM logs`+of, `(400,1,'hello')`)
	r.want(t, `SELECT toString(count()) FROM metric_samples INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id)`+of, `100`)
}
