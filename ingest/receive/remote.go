package receive

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/ingest/compress"
	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Names of remote write's messages, in the parameter proto of Content-Type. Without one it is the first.
const (
	messageV1 = "prometheus.WriteRequest"
	messageV2 = "io.prometheus.write.v2.Request"
)

// Headers of the answer: how much of the request is stored.
const (
	headerSamples    = "X-Prometheus-Remote-Write-Samples-Written"
	headerHistograms = "X-Prometheus-Remote-Write-Histograms-Written"
	headerExemplars  = "X-Prometheus-Remote-Write-Exemplars-Written"
)

// remoteWrite serves Prometheus. Its senders drop what is answered with 429 unless they are told otherwise, so overload is 503, too: only who is
// past its own limit gets 429.
func (s overHTTP) remoteWrite(w http.ResponseWriter, r *http.Request) {
	from, err := s.whoSends(telemetry.Metrics, r)
	if err != nil {
		refuseRemote(w, err)
		return
	}
	version, err := remoteVersion(r)
	if err != nil {
		s.cfg.Refused(telemetry.Metrics, malformed)
		http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
		return
	}
	held := s.cfg.Memory.Hold()
	body, err := s.readBlock(r, from, held)
	if err != nil {
		held.Release()
		s.cfg.Refused(telemetry.Metrics, ReasonOf(err))
		refuseRemote(w, err)
		return
	}
	rows, err := s.cfg.Export(r.Context(), Request{Request: otlp.Request{Signal: telemetry.Metrics, Remote: version, Body: body}, From: from, Hold: held})
	if err != nil {
		refuseRemote(w, err)
		return
	}
	w.Header().Set(headerSamples, strconv.Itoa(rows.Written.Samples))
	w.Header().Set(headerHistograms, strconv.Itoa(rows.Written.Histograms))
	w.Header().Set(headerExemplars, strconv.Itoa(rows.Written.Exemplars))
	if rejected, why := rows.Tally.Partial(); rejected > 0 {
		http.Error(w, fmt.Sprintf("%d rejected, the rest is stored: %s", rejected, why), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// remoteVersion is the message that a request says it is. The error is for 415.
func remoteVersion(r *http.Request) (remotewrite.Version, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != typeProto {
		return 0, errors.New("want Content-Type " + typeProto)
	}
	if enc := r.Header.Get("Content-Encoding"); !strings.EqualFold(enc, compress.Snappy) {
		return 0, fmt.Errorf("Content-Encoding %q: want %s", enc, compress.Snappy) //nolint:staticcheck // a header's name
	}
	switch proto := params["proto"]; proto {
	case "", messageV1:
		return remotewrite.V1, nil
	case messageV2:
		return remotewrite.V2, nil
	default:
		return 0, fmt.Errorf("message %q: want %s or %s", proto, messageV1, messageV2)
	}
}

// readBlock reads a body of one block of snappy. Its errors wrap otlp.ErrMalformed or ErrOverload.
func (s *Server) readBlock(r *http.Request, from *Sender, h *Hold) (body []byte, err error) {
	packed, err := s.come(r, from, h)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			from.pace.read(len(packed), time.Now())
		}
	}()
	if n, err := compress.BlockSize(packed); err == nil && n <= maxMessage && !h.Grow(len(packed)+n) {
		return nil, s.cfg.Memory.ErrFull()
	}
	body, err = compress.Block(packed, maxMessage)
	switch {
	case errors.Is(err, compress.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", errTooLarge, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", otlp.ErrMalformed, err)
	}
	return body, nil
}

// refuseRemote answers in words. What senders do with a status: 5xx again, 429 again where they are told to, anything else never.
func refuseRemote(w http.ResponseWriter, err error) {
	st := statusOf(err)
	code := httpCode(st, err)
	var fast *tooFast
	if code == http.StatusTooManyRequests && !errors.As(err, &fast) {
		code = http.StatusServiceUnavailable
	}
	retryHeaders(w, code, st)
	http.Error(w, st.Message(), code)
}
