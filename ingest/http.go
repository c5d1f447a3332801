package ingest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

var errTooLarge = fmt.Errorf("%w: more than %d bytes", ErrMalformed, maxMessage)

func (s *Server) newHTTP() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", s.handle(telemetry.Traces, "rejectedSpans"))
	mux.HandleFunc("POST /v1/metrics", s.handle(telemetry.Metrics, "rejectedDataPoints"))
	mux.HandleFunc("POST /v1/logs", s.handle(telemetry.Logs, "rejectedLogRecords"))
	return &http.Server{Handler: mux, TLSConfig: s.cfg.TLS.Clone(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}

func (s *Server) handle(signal telemetry.Signal, rejectedField string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || (kind != typeProto && kind != typeJSON) {
			http.Error(w, "want Content-Type "+typeProto+" or "+typeJSON, http.StatusUnsupportedMediaType)
			return
		}
		body, err := readBody(r)
		if err != nil {
			s.counters.request(signal, requestMalformed)
			refuse(w, kind, err)
			return
		}
		rejected, why, err := s.export(r.Context(), request{
			signal: signal, json: kind == typeJSON, body: body,
			id: r.Header.Get(HeaderBatchID), redelivered: r.Header.Get(HeaderRedelivered) == "true",
		})
		if err != nil {
			refuse(w, kind, err)
			return
		}
		answer := partialSuccess(rejected, why)
		if kind == typeJSON {
			answer = partialSuccessJSON(rejectedField, rejected, why)
		}
		write200(w, kind, answer)
	}
}

func write200(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // the sender is gone: it will send again and be recognised
}

// readBody decompresses a body of at most maxMessage bytes. Its errors wrap ErrMalformed.
func readBody(r *http.Request) ([]byte, error) {
	in, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read body: %w", ErrMalformed, err)
	}
	if len(body) > maxMessage {
		return nil, errTooLarge
	}
	return body, nil
}

func decompress(r *http.Request) (io.ReadCloser, error) {
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("%w: gzip: %w", ErrMalformed, err)
		}
		return z, nil
	case "zstd":
		z, err := zstd.NewReader(r.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxMessage), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("%w: zstd: %w", ErrMalformed, err)
		}
		return z.IOReadCloser(), nil
	default:
		return nil, fmt.Errorf("%w: Content-Encoding %q: want gzip, zstd or none", ErrMalformed, enc)
	}
}

// refuse answers with a google.rpc.Status in the sender's own format, as OTLP/HTTP wants it.
func refuse(w http.ResponseWriter, kind string, err error) {
	st := statusOf(err)
	marshal := proto.Marshal
	if kind == typeJSON {
		marshal = protojson.Marshal
	}
	body, marshalErr := marshal(st.Proto())
	if marshalErr != nil {
		body = nil
	}
	w.Header().Set("Content-Type", kind)
	code := httpCode(st, err)
	switch code {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", seconds(overloadPause))
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", seconds(storePause))
	}
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

func httpCode(st *status.Status, err error) int {
	if errors.Is(err, errTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	switch st.Code() {
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.InvalidArgument:
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
