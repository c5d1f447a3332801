package ingest

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/internal/telemetry"
)

var errDeep = errors.New("nested too deep")

// unmarshaler is an OTLP export request.
type unmarshaler interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// decode adds the records of a request. Its errors wrap ErrMalformed.
func (r *rows) decode(q request) error {
	switch q.signal {
	case telemetry.Traces:
		in := ptraceotlp.NewExportRequest()
		if err := unmarshal(q, in); err != nil {
			return err
		}
		r.addTraces(in.Traces())
	case telemetry.Metrics:
		in := pmetricotlp.NewExportRequest()
		if err := unmarshal(q, in); err != nil {
			return err
		}
		r.addMetrics(in.Metrics())
	case telemetry.Logs:
		in := plogotlp.NewExportRequest()
		if err := unmarshal(q, in); err != nil {
			return err
		}
		r.addLogs(in.Logs())
	default:
		return fmt.Errorf("%w: unknown signal %q", ErrMalformed, q.signal)
	}
	return nil
}

// unmarshal reads bytes that anyone may have sent. A decoder that panics on them is a bug, and costs that request alone.
func unmarshal(q request, into unmarshaler) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the decoder gave up on it: %v", ErrMalformed, r)
		}
	}()
	deep, read := deepProto(q.signal, q.body), into.UnmarshalProto
	if q.json {
		deep, read = deepJSON(q.body), into.UnmarshalJSON
	}
	if deep {
		return fmt.Errorf("%w: %w", ErrMalformed, errDeep)
	}
	if err = read(q.body); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
