package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	meta "github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const kindV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

// write sends a block as Prometheus does.
func (in *ingester) write(t *testing.T, kind, encoding, authorization string, block []byte) (*http.Response, string) {
	t.Helper()
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+in.addrs.HTTP+"/api/v1/write", bytes.NewReader(block))
	if err != nil {
		t.Error(err)
		return &http.Response{}, ""
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Content-Encoding", encoding)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}).Do(req)
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

// remoteV1 is a request of one sample for each value, of series that differ in the label n.
func remoteV1(t *testing.T, name string, at time.Time, values ...float64) []byte {
	t.Helper()
	var req prompb.WriteRequest
	for i, v := range values {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "instance", Value: "i"}, {Name: "job", Value: "api"}, {Name: "n", Value: fmt.Sprint(i)}},
			Samples: []prompb.Sample{{Value: v, Timestamp: at.UnixMilli()}},
		})
	}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, b)
}

// remoteV2 is a counter, and a native histogram with an exemplar if there is to be one.
func remoteV2(t *testing.T, at time.Time, histogram bool) []byte {
	t.Helper()
	table := writev2.NewSymbolTable()
	refs := func(list ...string) (out []uint32) {
		for _, s := range list {
			out = append(out, table.Symbolize(s))
		}
		return out
	}
	req := writev2.Request{Timeseries: []writev2.TimeSeries{{
		LabelsRefs: refs("__name__", "jobs", "job", "api", "instance", "i"),
		Metadata:   writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: table.Symbolize("what was done"), UnitRef: table.Symbolize("{job}")},
		Samples:    []writev2.Sample{{Value: 3, Timestamp: at.UnixMilli(), StartTimestamp: at.Add(-time.Minute).UnixMilli()}},
	}}}
	if histogram {
		req.Timeseries = append(req.Timeseries, writev2.TimeSeries{
			LabelsRefs: refs("__name__", "duration", "job", "api", "instance", "i"),
			Metadata:   writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_HISTOGRAM},
			Histograms: []writev2.Histogram{{
				Count: &writev2.Histogram_CountInt{CountInt: 5}, Sum: 7, Schema: 0, Timestamp: at.UnixMilli(),
				PositiveSpans: []writev2.BucketSpan{{Offset: 0, Length: 2}}, PositiveDeltas: []int64{2, 1},
			}},
			Exemplars: []writev2.Exemplar{{LabelsRefs: refs("trace_id", "0102030405060708090a0b0c0d0e0f10"), Value: 1.5, Timestamp: at.UnixMilli()}},
		})
	}
	req.Symbols = table.Symbols()
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, b)
}

func writtenTo(resp *http.Response) string {
	const prefix = "X-Prometheus-Remote-Write-"
	return resp.Header.Get(prefix+"Samples-Written") + " " + resp.Header.Get(prefix+"Histograms-Written") + " " + resp.Header.Get(prefix+"Exemplars-Written")
}

func TestRemoteWrite(t *testing.T) {
	in := start(t, nil)
	now := time.Now()
	one, two := remoteV1(t, "temperature", now, 1, 2.5), remoteV2(t, now, true)
	for range 2 { // sent again, it is stored once
		for _, kind := range []string{"application/x-protobuf", "application/x-protobuf;proto=prometheus.WriteRequest"} {
			if resp, answer := in.write(t, kind, "snappy", "", one); resp.StatusCode != http.StatusNoContent || writtenTo(resp) != "2 0 0" {
				t.Fatal(resp.Status, writtenTo(resp), answer)
			}
		}
		if resp, answer := in.write(t, kindV2, "snappy", "", two); resp.StatusCode != http.StatusNoContent || writtenTo(resp) != "1 1 1" {
			t.Fatal(resp.Status, writtenTo(resp), answer)
		}
	}
	in.wantSamples(t, `[('test','api','i','jobs','{job}','sum_cumulative',3,{}),('test','api','i','temperature','','gauge',1,{'n':'0'}),('test','api','i','temperature','','gauge',2.5,{'n':'1'})]`)
	in.wantHistograms(t, `[('api','duration',5,7)]`)
}

// TestWhatTheStoreRefusesIsNotWritten: it is in dead_letters, once the store took others of its table.
func TestWhatTheStoreRefusesIsNotWritten(t *testing.T) {
	in := start(t, nil)
	now := time.Now()
	other := fmt.Sprintf("toUnixTimestamp64Milli(time) != %d", now.UnixMilli())
	for table, good := range map[string]string{"metric_samples": "value != 13", "exponential_histograms": other, "exemplars": other} {
		if err := in.db.Exec(t.Context(), "ALTER TABLE "+table+" ADD CONSTRAINT good CHECK "+good); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		kind    string
		body    []byte
		status  int
		written string
	}{
		{"application/x-protobuf", remoteV1(t, "temperature", now, 1, 13, 2), http.StatusBadRequest, "2 0 0"},
		{kindV2, remoteV2(t, now, true), http.StatusServiceUnavailable, "  "},
		{kindV2, remoteV2(t, now.Add(-time.Second), true), http.StatusNoContent, "1 1 1"},
		{kindV2, remoteV2(t, now, true), http.StatusBadRequest, "1 0 0"},
	} {
		if resp, answer := in.write(t, c.kind, "snappy", "", c.body); resp.StatusCode != c.status || writtenTo(resp) != c.written {
			t.Errorf("%s, %q written, want %d and %q: %s", resp.Status, writtenTo(resp), c.status, c.written, answer)
		}
	}
	in.want(t, `SELECT toString(groupArray((target, n))) FROM (SELECT target, count() AS n FROM dead_letters FINAL GROUP BY target ORDER BY target)`,
		`[('exemplars',1),('exponential_histograms',1),('metric_samples',1)]`)
}

// TestExemplarsThatComeAlone: Prometheus sends them in series of their own, without samples.
func TestExemplarsThatComeAlone(t *testing.T) {
	in := start(t, nil)
	now := time.Now().UnixMilli()
	labels := []prompb.Label{{Name: "__name__", Value: "d_bucket"}, {Name: "job", Value: "api"}, {Name: "le", Value: "1"}}
	req := prompb.WriteRequest{Timeseries: []prompb.TimeSeries{
		{Labels: labels, Samples: []prompb.Sample{{Value: 4, Timestamp: now}}},
		{Labels: labels, Exemplars: []prompb.Exemplar{{Value: 0.5, Timestamp: now, Labels: []prompb.Label{{Name: "trace_id", Value: "0102030405060708090a0b0c0d0e0f10"}}}}},
	}}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if resp, answer := in.write(t, "application/x-protobuf", "snappy", "", snappy.Encode(nil, b)); resp.StatusCode != http.StatusNoContent || writtenTo(resp) != "1 0 1" {
		t.Fatal(resp.Status, writtenTo(resp), answer)
	}
	in.want(t, `SELECT toString(groupArray((s.name, value, lower(hex(trace))))) FROM exemplars INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id)`,
		`[('d_bucket',0.5,'0102030405060708090a0b0c0d0e0f10')]`)
	in.wantSamples(t, `[('test','api','','d_bucket','','sum_cumulative',4,{'le':'1'})]`)
}

func TestSeriesLimitOfAToken(t *testing.T) {
	r := receiving(t, func(c *ingest.Config) { c.MaxSeries = 20 })
	few, _ := r.token(t, "prod", meta.Limits{Series: 3})
	many, _ := r.token(t, "prod", meta.Limits{})
	write := func(token, name string, series int, want string) string {
		t.Helper()
		resp, answer := r.write(t, "application/x-protobuf", "snappy", "Bearer "+token, remoteV1(t, name, time.Now(), make([]float64, series)...))
		if writtenTo(resp) != want+" 0 0" {
			t.Errorf("%s: %s written %s: %s", name, resp.Status, writtenTo(resp), answer)
		}
		return answer
	}
	if answer := write(few, "a", 5, "3"); !strings.Contains(answer, "2 of new series, past the limit") {
		t.Error(answer)
	}
	write(few, "a", 3, "3") // the old go on
	write(few, "b", 2, "0")
	write(many, "c", 30, "17") // the rest of the environment's
	write(many, "c", 17, "17")
	r.want(t, `SELECT toString(count()) FROM (SELECT DISTINCT series_id FROM metric_series WHERE environment = 'prod')`, "20")
	if n := r.srv.Counted(telemetry.Metrics, "series_limit"); n != 2+2+13 {
		t.Errorf("%d counted, want 17", n)
	}
}

// TestARestartKeepsTheOldSeries: after it new ones could otherwise take their places.
func TestARestartKeepsTheOldSeries(t *testing.T) {
	in := start(t, nil)
	if resp, answer := in.write(t, "application/x-protobuf", "snappy", "", remoteV1(t, "old", time.Now(), 1, 2, 3)); writtenTo(resp) != "3 0 0" {
		t.Fatal(resp.Status, answer)
	}
	in.serve(t, func(c *ingest.Config) { c.MaxSeries = 4 }) // another ingester of the same store
	for _, c := range []struct{ name, want string }{{"new", "1 0 0"}, {"old", "3 0 0"}, {"newer", "0 0 0"}} {
		resp, answer := in.write(t, "application/x-protobuf", "snappy", "", remoteV1(t, c.name, time.Now(), 1, 2, 3))
		if writtenTo(resp) != c.want {
			t.Errorf("%s: %s written %s: %s", c.name, resp.Status, writtenTo(resp), answer)
		}
	}
}

func TestRemoteWriteKeepsTheGood(t *testing.T) {
	in := start(t, nil)
	old := remoteV1(t, "old", time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), 1, 2)
	late := remoteV1(t, "late", time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), 1)
	good := remoteV1(t, "good", time.Now(), 1)
	joined := join(t, old, late, good)
	resp, answer := in.write(t, "application/x-protobuf", "snappy", "", joined)
	if resp.StatusCode != http.StatusBadRequest || writtenTo(resp) != "1 0 0" {
		t.Error(resp.Status, writtenTo(resp))
	}
	for _, word := range []string{"3 rejected, the rest is stored", "2 more than 7 days old", "1 more than 1 h in the future"} {
		if !strings.Contains(answer, word) {
			t.Errorf("%q does not say %q", answer, word)
		}
	}
	in.wantSamples(t, `[('test','api','i','good','','gauge',1,{'n':'0'})]`)
	if n := in.srv.Counted(telemetry.Metrics, "time_past"); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
}

// join makes one request of several: protobuf's repeated fields may lie in any order.
func join(t *testing.T, blocks ...[]byte) []byte {
	t.Helper()
	var all []byte
	for _, b := range blocks {
		plain, err := snappy.Decode(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, plain...)
	}
	return snappy.Encode(nil, all)
}

func TestRemoteWriteRefuses(t *testing.T) {
	in := start(t, nil)
	good := remoteV1(t, "x", time.Now(), 1)
	claims := append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, good...) // a block that says it has 4 GiB
	for name, c := range map[string]struct {
		kind, encoding string
		body           []byte
		want           int
	}{
		"no kind":           {"", "snappy", good, 415},
		"JSON":              {"application/json", "snappy", good, 415},
		"another message":   {"application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy", good, 415},
		"gzip":              {"application/x-protobuf", "gzip", good, 415},
		"not compressed":    {"application/x-protobuf", "", good, 415},
		"no block":          {"application/x-protobuf", "snappy", []byte("\xff"), 400},
		"cut block":         {"application/x-protobuf", "snappy", good[:len(good)-4], 400},
		"cut message":       {"application/x-protobuf", "snappy", snappy.Encode(nil, []byte("\x0a\xff\xff")), 400},
		"claims 4 GiB":      {"application/x-protobuf", "snappy", claims, 413},
		"64 MiB":            {"application/x-protobuf", "snappy", snappy.Encode(nil, make([]byte, 64<<20)), 413},
		"64 MiB, as it is":  {"application/x-protobuf", "snappy", make([]byte, 64<<20), 413},
		"many empty series": {"application/x-protobuf", "snappy", snappy.Encode(nil, []byte(strings.Repeat("\x0a\x00", 4<<20))), 400},
		"nothing":           {"application/x-protobuf", "snappy", snappy.Encode(nil, nil), 204},
	} {
		if resp, answer := in.write(t, c.kind, c.encoding, "", c.body); resp.StatusCode != c.want {
			t.Errorf("%s: %s %s, want %d", name, resp.Status, answer, c.want)
		}
	}
	if n := in.srv.Counted(telemetry.Metrics, "request_body_too_large"); n != 3 {
		t.Errorf("%d too large, want 3", n)
	}
	if n := in.srv.Counted(telemetry.Metrics, "request_malformed"); n != 8 {
		t.Errorf("%d malformed, want 8", n)
	}
	if n := in.srv.Counted(telemetry.Metrics, "request_too_many"); n != 1 {
		t.Errorf("%d with too many messages, want 1", n)
	}
	in.wantSamples(t, `[]`)
}

// TestRemoteWriteIsToldToComeBack: what Prometheus sends again by itself is 5xx; 429 is for who is past its own limit.
func TestRemoteWriteIsToldToComeBack(t *testing.T) {
	r := receiving(t, func(c *ingest.Config) { c.MaxWaiting = 1 })
	slow, _ := r.token(t, "slow", meta.Limits{BytesPerSecond: 1})
	resp, _ := r.write(t, "application/x-protobuf", "snappy", "Bearer mw_x_y", remoteV1(t, "x", time.Now(), 1))
	if resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status)
	}
	if resp, answer := r.write(t, "application/x-protobuf", "snappy", "Bearer "+slow, remoteV1(t, "x", time.Now(), 1)); resp.StatusCode != http.StatusNoContent {
		t.Error(resp.Status, answer)
	}
	resp, _ = r.write(t, "application/x-protobuf", "snappy", "Bearer "+slow, remoteV1(t, "x", time.Now(), 2))
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Error(resp.Status, resp.Header)
	}
	var mu sync.Mutex
	codes := map[int]int{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			resp, _ := r.write(t, "application/x-protobuf", "snappy", "", remoteV1(t, fmt.Sprint("x", i), time.Now(), 1))
			mu.Lock()
			defer mu.Unlock()
			codes[resp.StatusCode]++
			if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		})
	}
	all.Wait()
	if codes[204] == 0 || codes[503] == 0 || codes[204]+codes[503] != 20 {
		t.Error(codes)
	}
}

// wantSamples compares all samples but the ingester's own.
func (in *ingester) wantSamples(t *testing.T, want string) {
	t.Helper()
	in.want(t, `SELECT toString(groupArray((environment, service, instance, name, unit, kind, value, attributes))) FROM (
		SELECT * FROM metric_samples INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id) WHERE service != 'midwatch-ingester' ORDER BY name, value)`, want)
}

func (in *ingester) wantHistograms(t *testing.T, want string) {
	t.Helper()
	in.want(t, `SELECT toString(groupArray((service, name, count, sum))) FROM exponential_histograms INNER JOIN (SELECT * FROM metric_series FINAL) AS s USING (series_id)`, want)
}
