package receive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Headers of a request, in gRPC metadata or HTTP.
const (
	HeaderBatchID     = "midwatch-batch-id"    // identifies the request in the store; without it, a hash of the body does
	HeaderRedelivered = "midwatch-redelivered" // "true": this request was sent before and its fate is not known
)

const maxBatchID = 128 // bytes

// Errors of a whole request that can be read. Nothing, or an unknown part, of it is stored.
var (
	// ErrOverload means nothing was stored and the sender should come back later.
	ErrOverload = errors.New("overload")
	// ErrStore means the store did not take the rows for certain; sent again, they are stored once.
	ErrStore = errors.New("store unavailable")
	// ErrLeft means the sender went away while its rows waited, or were on their way into the store.
	ErrLeft = errors.New("sender left")
)

// Request is one export request as it came.
type Request struct {
	otlp.Request
	From        *Sender // nil: the ingester itself
	ID          string  // from HeaderBatchID, or empty
	Redelivered bool
	Hold        *Hold // the memory that the body and its rows take; nil: none is counted

	unnamed bool // its id is the hash of its content
}

// MayBeStored says that another ingester may have stored the request, or this one before it was restarted. Our exporter, which names its requests, tells
// when it sends one again; others' senders do not, with whatever certificate, and come again on whatever connection, to whichever ingester.
func (q *Request) MayBeStored() bool {
	return q.Redelivered || q.From != nil && (q.unnamed || !q.From.part())
}

// Named says that its sender, and not its content, says which request it is.
func (q *Request) Named() bool { return !q.unnamed }

// Identify gives a request without an id the hash of its content, so that a sender's retry is recognised.
func (q *Request) Identify() error {
	if len(q.ID) > maxBatchID {
		return fmt.Errorf("%w: %s has more than %d bytes", otlp.ErrMalformed, HeaderBatchID, maxBatchID)
	}
	if q.ID == "" {
		h := sha256.New()
		h.Write([]byte(q.Signal))
		h.Write(q.Body)
		q.unnamed = true
		q.ID = "h-" + hex.EncodeToString(h.Sum(nil)[:16])
	}
	if q.From != nil {
		q.ID = q.From.id(q.Signal, q.ID)
	}
	return nil
}

// admit says whether a sender, if it is known who that is, may send now, before its request is read: nobody else makes us hold one. What it refuses is
// counted.
func (s *Server) admit(signal telemetry.Signal, from *Sender, err error) (*Sender, error) {
	if err == nil {
		err = from.pace.admit(time.Now())
	}
	if err != nil {
		s.cfg.Refused(signal, ReasonOf(err))
		return nil, err
	}
	return from, nil
}

// export stores a request that was received whole.
func (s *Server) export(ctx context.Context, q Request) (rejected int64, why string, err error) {
	rows, err := s.cfg.Export(ctx, q)
	if err != nil {
		return 0, "", err
	}
	rejected, why = rows.Partial()
	return rejected, why, nil
}

// Why whole requests are refused, in the ingester's own metrics.
const (
	malformed       otlp.Reason = "request_malformed"
	tooDeep         otlp.Reason = "request_too_deep"
	tooMany         otlp.Reason = "request_too_many"
	overload        otlp.Reason = "request_overload"        // to be sent again
	storeError      otlp.Reason = "request_store"           // to be sent again
	unauthenticated otlp.Reason = "request_unauthenticated" // not read: without certificate or valid token
	rate            otlp.Reason = "request_rate"            // not read: its sender is past its limit; to be sent again
	bodyTooLarge    otlp.Reason = "request_body_too_large"  // not read to its end
	aborted         otlp.Reason = "request_aborted"         // the sender went away while it sent
)

// ReasonOf is why a request was answered with an error.
func ReasonOf(err error) otlp.Reason {
	var fast *tooFast
	switch {
	case errors.As(err, &fast):
		return rate
	case errors.Is(err, auth.ErrUnauthenticated):
		return unauthenticated
	case errors.Is(err, errTooLarge):
		return bodyTooLarge
	case errors.Is(err, ErrOverload):
		return overload
	case errors.Is(err, wire.ErrDeep):
		return tooDeep
	case errors.Is(err, otlp.ErrMany), errors.Is(err, remotewrite.ErrMany):
		return tooMany
	case errors.Is(err, otlp.ErrMalformed):
		return malformed
	case errors.Is(err, ErrStore):
		return storeError
	case errors.Is(err, ErrLeft), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return aborted
	}
	return storeError
}
