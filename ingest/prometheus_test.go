package ingest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	meta "github.com/midwatch/midwatch/internal/metadata"
)

// TestPrometheus has Debian's Prometheus scrape a program and write to the ingester: what it keeps itself is what we have.
func TestPrometheus(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatalf("%v: `make deps-test` installs it", err)
	}
	r := receiving(t, nil)
	token, _ := r.token(t, "prod", meta.Limits{})
	scraped := metricsOf(t)
	address := prometheus(t, program, r, scraped.url, token)
	r.wait(t, func() bool { return scraped.scrapes.Load() >= 5 })

	selectors := []string{`orders_total`, `temperature`, `duration_bucket`, `duration_count`, `duration_sum`, `size`, `size_count`, `up`, `odd`}
	for _, name := range selectors {
		var theirs, ours []string
		r.wait(t, func() bool { // it goes on scraping, and sends a little later: what is older must be the same
			until := time.Now().Add(-2 * time.Second)
			theirs, ours = keptByPrometheus(t, address, name, until), r.keptOf(t, name, until)
			return len(theirs) > 3 && slices.Equal(theirs, ours)
		})
	}
	r.want(t, `SELECT toString(arraySort(groupUniqArray((environment, service, instance, kind, attributes)))) FROM metric_series FINAL WHERE name = 'orders_total'`,
		fmt.Sprintf(`[('prod','shop','%s','sum_cumulative',{'kind':'book','zone':'ä'})]`, scraped.url.Host))
}

// target is a program with metrics.
type target struct {
	url     *url.URL
	scrapes atomic.Int64
}

func metricsOf(t *testing.T) *target {
	t.Helper()
	var s target
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := s.scrapes.Add(1)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, `# TYPE orders_total counter
orders_total{kind="book",zone="ä"} %d
# TYPE temperature gauge
temperature{room="1"} %g
temperature{room="2"} -3
# TYPE duration histogram
duration_bucket{le="0.1"} %d
duration_bucket{le="+Inf"} %d
duration_sum %g
duration_count %d
# TYPE size summary
size{quantile="0.5"} 7
size_sum 70
size_count 10
odd{is="inf"} +Inf
odd{is="-inf"} -Inf
odd{is="nan"} NaN
`, n*7, 20+float64(n)/10, n, 2*n, float64(n)*0.5, 2*n)
	}))
	t.Cleanup(srv.Close)
	var err error
	if s.url, err = url.Parse(srv.URL); err != nil {
		t.Fatal(err)
	}
	return &s
}

// prometheus starts one that scrapes the target and writes to r, until the test ends, and returns its address.
func prometheus(t *testing.T, program string, r *receiver, scraped *url.URL, token string) string {
	t.Helper()
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "token"), filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs:
  - job_name: shop
    static_configs: [{targets: ["%s"]}]
remote_write:
  - url: https://%s/api/v1/write
    authorization: {credentials_file: %s}
    tls_config: {ca_file: %s, server_name: ingester}
    queue_config: {batch_send_deadline: 200ms}
`, scraped.Host, r.addrs.HTTP, secret, filepath.Join(r.certs, "ca.pem"))
	for file, content := range map[string]string{secret: token, config: text} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it is asked to stop when the test's context ends
	listens := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if m := listens.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return m[1]
		}
	}
	t.Fatal("prometheus does not listen")
	return ""
}

// keptByPrometheus returns the samples of a name as its own database has them, sorted, each as time, labels' values and value.
func keptByPrometheus(t *testing.T, address, name string, until time.Time) (out []string) {
	t.Helper()
	query := url.Values{"query": {name + "[1h]"}, "time": {strconv.FormatFloat(float64(until.UnixMilli())/1000, 'f', 3, 64)}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/api/v1/query?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, s := range answer.Data.Result {
		for _, v := range s.Values {
			value, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, sampleText(int64(math.Round(v[0].(float64)*1000)), s.Metric, value))
		}
	}
	slices.Sort(out)
	return out
}

func sampleText(ms int64, labels map[string]string, value float64) string {
	return fmt.Sprint(ms, " ", labels["instance"], labels["kind"], labels["zone"], labels["room"], labels["le"], labels["quantile"], labels["is"], " ", value)
}

// keptOf returns the same of the store.
func (r *receiver) keptOf(t *testing.T, name string, until time.Time) (out []string) {
	t.Helper()
	rows, err := r.db.Query(t.Context(), `SELECT toUnixTimestamp64Milli(toDateTime64(time, 3, 'UTC')), s.instance, s.attributes, value FROM metric_samples
		INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id) WHERE s.service = 'shop' AND s.name = ? AND time <= fromUnixTimestamp64Milli(?)`, name, until.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ms int64
		var instance string
		var labels map[string]string
		var value float64
		if err := rows.Scan(&ms, &instance, &labels, &value); err != nil {
			t.Fatal(err)
		}
		labels["instance"] = instance
		out = append(out, sampleText(ms, labels, value))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
