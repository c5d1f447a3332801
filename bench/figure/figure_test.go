package figure

import (
	"math"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	var out strings.Builder
	if Print(&out, []Figure{AtLeast("fast", 3.14159, "x", 3), AtMost("small", 0.71, "x", 0.7), AtMost("none", math.NaN(), "x", 1)}) {
		t.Error("all is said to be well")
	}
	const want = "figure fast 3.142 x bar >= 3 ok\nfigure small 0.71 x bar <= 0.7 short\nfigure none NaN x bar <= 1 short\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if !Print(&out, []Figure{AtLeast("enough", 3, "x", 3)}) {
		t.Error("a bar that is just reached is said to be missed")
	}
}
