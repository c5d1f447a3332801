package ingest

import (
	"errors"
	"testing"

	"github.com/midwatch/midwatch/internal/telemetry"
)

type panicking struct{}

func (panicking) UnmarshalProto([]byte) error { panic("index out of range") }
func (panicking) UnmarshalJSON([]byte) error  { panic("index out of range") }

func TestPanickingDecoderCostsOneRequest(t *testing.T) {
	for _, q := range []request{{signal: telemetry.Logs}, {signal: telemetry.Logs, json: true}} {
		if err := unmarshal(q, panicking{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("got %v, want ErrMalformed", err)
		}
	}
}
