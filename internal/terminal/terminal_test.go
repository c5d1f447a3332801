package terminal_test

import (
	"testing"

	"github.com/midwatch/midwatch/internal/terminal"
)

func TestLine(t *testing.T) {
	if got, want := terminal.Line("a\x1b[31mb\nc\td\u202ee\u009b2J\u200b\ufeff\u2028\U000e0041ü"), "a[31mb c de2J ü"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
