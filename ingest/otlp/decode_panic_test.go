package otlp

import (
	"errors"
	"testing"
)

func TestPanickingDecoderCostsOneRequest(t *testing.T) {
	if err := guarded(func() error { panic("index out of range") }); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}
