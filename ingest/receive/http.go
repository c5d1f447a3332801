package receive

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth/strangers"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

var errTooLarge = fmt.Errorf("%w: more than %d bytes", otlp.ErrMalformed, maxMessage)

// overHTTP is the server as it is reached over HTTP.
type overHTTP struct {
	*Server
	known func(remote string) // is told whose connection brought a request that is admitted
}

// whoSends says who does, if that may be now. The error is counted.
func (s overHTTP) whoSends(signal telemetry.Signal, r *http.Request) (*Sender, error) {
	from, err := s.senders.who(r.TLS, r.Header.Get("Authorization"))
	if err == nil {
		s.known(r.RemoteAddr)
	}
	return s.admit(signal, from, err)
}

func (s *Server) newHTTP(l *strangers.Listener) *http.Server {
	over := overHTTP{s, l.Known}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", over.handle(telemetry.Traces, "rejectedSpans"))
	mux.HandleFunc("POST /v1/metrics", over.handle(telemetry.Metrics, "rejectedDataPoints"))
	mux.HandleFunc("POST /v1/logs", over.handle(telemetry.Logs, "rejectedLogRecords"))
	mux.HandleFunc("POST /v1development/profiles", over.handle(telemetry.Profiles, "rejectedProfiles"))
	mux.HandleFunc("POST /api/v1/write", over.remoteWrite)
	return &http.Server{Handler: mux, TLSConfig: s.cfg.TLS.Clone(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}

func (s overHTTP) handle(signal telemetry.Signal, rejectedField string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, err := s.whoSends(signal, r)
		if err != nil {
			refuse(w, kindOf(r), err)
			return
		}
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || (kind != typeProto && kind != typeJSON) {
			s.cfg.Refused(signal, malformed)
			http.Error(w, "want Content-Type "+typeProto+" or "+typeJSON, http.StatusUnsupportedMediaType)
			return
		}
		held := s.cfg.Memory.Hold()
		body, err := s.readBody(r, from, held)
		if err != nil {
			held.Release()
			s.cfg.Refused(signal, ReasonOf(err))
			refuse(w, kind, err)
			return
		}
		rejected, why, err := s.export(r.Context(), Request{
			Request: otlp.Request{Signal: signal, JSON: kind == typeJSON, Body: body, Schema: r.Header.Values(pprofileotlp.DevelopmentVersionHeader)},
			From:    from, Hold: held, ID: r.Header.Get(HeaderBatchID), Redelivered: r.Header.Get(HeaderRedelivered) == "true",
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

// kindOf is the format that a sender wants its answer in, before anything else of its request is looked at.
func kindOf(r *http.Request) string {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == typeJSON {
		return typeJSON
	}
	return typeProto
}

// maxDiscard is how much of a body that is too large is taken from the wire all the same, in bytes.
const maxDiscard = 128 << 20

// discard lets a sender finish: many read no answer before they have written everything, and would only see a broken connection. It returns how
// many bytes that were.
func discard(in io.Reader) int {
	n, _ := io.CopyN(io.Discard, in, maxDiscard) // most often it ends before
	return int(n)
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
	retryHeaders(w, code, st)
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// strangersTime is how long after its refusal a stranger's body may come: who writes it before reading the answer is told, who keeps it back is
// not waited for.
const strangersTime = 2 * time.Second

// retryHeaders say when to come back, or with what.
func retryHeaders(w http.ResponseWriter, code int, st *status.Status) {
	switch code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", seconds(pauseOf(st)))
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="midwatch"`)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(strangersTime)) // without it ReadTimeout holds
	}
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
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	}
	return http.StatusServiceUnavailable
}

// pauseOf is the delay that a status asks for.
func pauseOf(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return storePause
}

// seconds rounds up: who comes back too early is sent away again.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
