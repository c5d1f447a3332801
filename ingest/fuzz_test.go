package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// FuzzDecode feeds any bytes to every signal's path from wire to columns. Whatever they are, columns have equal length.
func FuzzDecode(f *testing.F) {
	for i, s := range []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles} {
		f.Add(uint8(i), false, sample(f, s))
		f.Add(uint8(i), true, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`))
	}
	f.Fuzz(func(t *testing.T, signal uint8, asJSON bool, body []byte) {
		q := request{signal: []telemetry.Signal{telemetry.Traces, telemetry.Metrics, telemetry.Logs, telemetry.Profiles}[signal%4], json: asJSON, body: body}
		r := &rows{id: "id", environment: "e", now: time.Now()}
		err := r.decode(q)
		if err != nil && !asJSON && !errors.Is(err, wire.ErrDeep) && !errors.Is(err, wire.ErrGroup) && (q.signal == telemetry.Traces || q.signal == telemetry.Logs) && reads(q) {
			t.Fatalf("%v; but it is a request as OpenTelemetry's own reader has it", err)
		}
		if err != nil {
			return
		}
		total := 0
		for _, c := range r.chunks() {
			if !slices.Contains([]string{seriesTable, stacksTable, "exemplars"}, c.table) { // come with records
				total += c.rows()
			}
			for _, col := range c.block {
				if n := col.Rows(); n != c.rows() {
					t.Fatalf("%s.%s has %d values, want %d", c.table, col.Name, n, c.rows())
				}
			}
			if text := c.block.Text(c.rows() - 1); !json.Valid(text) {
				t.Fatalf("the last row reads %s", text)
			}
		}
		if total != r.tally.stored {
			t.Fatalf("%d rows, %d counted", total, r.tally.stored)
		}
	})
}

// FuzzRemote feeds any bytes to remote write's path from wire to columns.
func FuzzRemote(f *testing.F) {
	var req prompb.WriteRequest
	req.Timeseries = []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: "x_total"}, {Name: "job", Value: "api"}},
		Samples: []prompb.Sample{{Value: 1, Timestamp: time.Now().UnixMilli()}},
	}}
	seed, err := req.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, seed)
	f.Add(true, []byte("\x22\x00\x22\x08__name__\x22\x01x\x2a\x0f\x0a\x02\x01\x02\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"))
	f.Fuzz(func(t *testing.T, second bool, body []byte) {
		q := request{signal: telemetry.Metrics, remote: remotewrite.V1, body: body}
		if second {
			q.remote = remotewrite.V2
		}
		r := &rows{id: "id", environment: "e", now: time.Now()}
		if err := r.decode(q); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		total := 0
		for _, c := range r.chunks() {
			if !slices.Contains([]string{seriesTable, "exemplars"}, c.table) {
				total += c.rows()
			}
		}
		if w := r.written; total != r.tally.stored || w.samples < 0 || w.histograms < 0 || w.samples+w.histograms < total {
			t.Fatalf("%d rows, %d counted, %+v written", total, r.tally.stored, r.written)
		}
	})
}

// FuzzFront feeds any headers and bytes to what is done before a body is decoded: whose it is, which message, and what it is compressed with.
func FuzzFront(f *testing.F) {
	f.Add("Bearer mw_a_b", "application/json", "gzip", "", []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add("bearer  x", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", "id", []byte{3, 8, 'a', 'b', 'c'})
	f.Add("", "application/x-protobuf", "zstd", strings.Repeat("x", 200), []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x19, 0, 0, 'a', 'b', 'c'})
	s := &Server{counters: newCounters(), unpacking: make(chan struct{}, 1), senders: senders{tokens: nobody{}, paces: map[string]*pace{}}}
	f.Fuzz(func(t *testing.T, authorization, kind, encoding, id string, body []byte) {
		if from, err := s.admit(telemetry.Logs, nil, authorization); err == nil {
			t.Fatalf("%q was let in as %+v", authorization, from)
		}
		r := &http.Request{Header: http.Header{"Content-Type": {kind}, "Content-Encoding": {encoding}}, Body: io.NopCloser(bytes.NewReader(body))}
		_, _ = remoteVersion(r)
		for _, read := range []func(*http.Request, *hold) ([]byte, error){s.readBody, s.readBlock} {
			r.Body = io.NopCloser(bytes.NewReader(body))
			plain, err := read(r, nil)
			switch {
			case err != nil && !errors.Is(err, ErrMalformed):
				t.Fatal(err)
			case len(plain) > maxMessage:
				t.Fatalf("%d bytes were read", len(plain))
			}
		}
		q := request{signal: telemetry.Logs, from: &sender{token: "t"}, id: id, body: body}
		if err := q.identify(); err == nil && !strings.HasPrefix(q.id, "t-") {
			t.Fatalf("request %q is not its sender's", q.id)
		}
	})
}

// nobody knows no token.
type nobody struct{}

func (nobody) Authenticate(string) (metadata.Token, error) {
	return metadata.Token{}, auth.ErrUnauthenticated
}

// reads says whether OpenTelemetry's own library takes a request.
func reads(q request) bool {
	if q.signal == telemetry.Traces {
		return ptraceotlp.NewExportRequest().UnmarshalProto(q.body) == nil
	}
	return plogotlp.NewExportRequest().UnmarshalProto(q.body) == nil
}
