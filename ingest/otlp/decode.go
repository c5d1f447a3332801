package otlp

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// unmarshaler is an OTLP export request.
type unmarshaler interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// ErrMalformed means a request cannot be read and must not be sent again.
var ErrMalformed = errors.New("malformed request")

// Request is an export request as it came, unpacked.
type Request struct {
	Signal telemetry.Signal
	JSON   bool                // else protobuf
	Remote remotewrite.Version // of remote write; 0: OTLP
	Schema []string            // of profiles: the version of the protocol that the sender names, if it does
	Body   []byte
}

// Decode adds the records of a request. Its errors wrap ErrMalformed.
func (r *Rows) Decode(q Request) error {
	if q.Remote != 0 {
		return recovered(func() error { return r.addRemote(q) })
	}
	switch q.Signal {
	case telemetry.Traces:
		return guarded(func() error { return r.direct(q, r.addTraces, ptraceotlp.NewExportRequest()) })
	case telemetry.Logs:
		return guarded(func() error { return r.direct(q, r.addLogs, plogotlp.NewExportRequest()) })
	case telemetry.Metrics:
		in := pmetricotlp.NewExportRequest()
		return guarded(func() error {
			if err := r.unmarshal(q, in); err != nil {
				return err
			}
			r.addMetrics(in.Metrics())
			return nil
		})
	case telemetry.Profiles:
		if err := pprofileotlp.ValidateDevelopmentVersion(q.Schema); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		in := pprofileotlp.NewExportRequest()
		return guarded(func() error {
			if err := r.unmarshal(q, in); err != nil {
				return err
			}
			r.addProfiles(in.Profiles())
			return nil
		})
	}
	return fmt.Errorf("%w: unknown signal %q", ErrMalformed, q.Signal)
}

// guarded reads what anyone may have sent. What is wrong with it is the sender's fault.
func guarded(read func() error) error {
	err := recovered(read)
	if err == nil || errors.Is(err, ErrMalformed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// recovered does what a request wants. A panic on it is a bug, and costs that request alone.
func recovered(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the decoder gave up on it: %v", ErrMalformed, p)
		}
	}()
	return do()
}

// maxGuess bounds by how many bytes of a request the columns of each of its days are made larger beforehand.
const maxGuess = 4 << 20

// direct reads columns out of a request's bytes. JSON is made protobuf first.
func (r *Rows) direct(q Request, add func([]byte) error, in interface {
	unmarshaler
	MarshalProto() ([]byte, error)
},
) error {
	body := q.Body
	if q.JSON {
		err := r.unmarshal(q, in)
		if err != nil {
			return err
		}
		if body, err = in.MarshalProto(); err != nil {
			return err
		}
	} else if err := r.plant(len(body)); err != nil { // of the texts that have to be made
		return err
	}
	r.size = min(len(body), maxGuess)
	return add(body)
}

func (r *Rows) unmarshal(q Request, into unmarshaler) error {
	size, err := shaped(q)
	if err != nil {
		return err
	}
	if err := r.plant(size); err != nil {
		return err
	}
	if q.JSON {
		return into.UnmarshalJSON(q.Body)
	}
	return into.UnmarshalProto(q.Body)
}
