package ingest

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// unmarshaler is an OTLP export request.
type unmarshaler interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// decode adds the records of a request. Its errors wrap ErrMalformed.
func (r *rows) decode(q request) error {
	if q.remote != 0 {
		return r.addRemote(q)
	}
	switch q.signal {
	case telemetry.Traces:
		return guarded(func() error { return r.direct(q, r.addTraces, ptraceotlp.NewExportRequest()) })
	case telemetry.Logs:
		return guarded(func() error { return r.direct(q, r.addLogs, plogotlp.NewExportRequest()) })
	case telemetry.Metrics:
		in := pmetricotlp.NewExportRequest()
		if err := guarded(func() error { return r.unmarshal(q, in) }); err != nil {
			return err
		}
		r.addMetrics(in.Metrics())
		return nil
	case telemetry.Profiles:
		if err := pprofileotlp.ValidateDevelopmentVersion(q.schema); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		in := pprofileotlp.NewExportRequest()
		if err := guarded(func() error { return r.unmarshal(q, in) }); err != nil {
			return err
		}
		r.addProfiles(in.Profiles())
		return nil
	}
	return fmt.Errorf("%w: unknown signal %q", ErrMalformed, q.signal)
}

// guarded reads what anyone may have sent. A decoder that panics on it is a bug, and costs that request alone.
func guarded(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the decoder gave up on it: %v", ErrMalformed, p)
		}
	}()
	if err := read(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// maxGuess bounds by how many bytes of a request the columns of each of its days are made larger beforehand.
const maxGuess = 4 << 20

// direct reads columns out of a request's bytes. JSON is made protobuf first.
func (r *rows) direct(q request, add func([]byte) error, in interface {
	unmarshaler
	MarshalProto() ([]byte, error)
},
) error {
	body := q.body
	if q.json {
		err := r.unmarshal(q, in)
		if err != nil {
			return err
		}
		if body, err = in.MarshalProto(); err != nil {
			return err
		}
	}
	r.size = min(len(body), maxGuess)
	return add(body)
}

func (r *rows) unmarshal(q request, into unmarshaler) error {
	messages, err := shaped(q)
	if err != nil {
		return err
	}
	if err := r.plant(messages * messageBytes); err != nil {
		return err
	}
	if q.json {
		return into.UnmarshalJSON(q.body)
	}
	return into.UnmarshalProto(q.body)
}
