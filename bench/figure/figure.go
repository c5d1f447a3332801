// Package figure is how a bench says what it measured: a line per figure, with the bar it has to reach.
package figure

import (
	"fmt"
	"io"
)

// Figure is one measured value and its bar.
type Figure struct {
	Name  string
	Value float64
	Unit  string // "x" is a ratio to the peer
	Least bool   // the bar is the least it may be, else the most
	Bar   float64
}

// AtMost is a figure that may not be larger than its bar.
func AtMost(name string, value float64, unit string, bar float64) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Bar: bar}
}

// AtLeast is a figure that may not be smaller than its bar.
func AtLeast(name string, value float64, unit string, bar float64) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Least: true, Bar: bar}
}

// OK says whether the bar is reached; NaN reaches none.
func (f Figure) OK() bool {
	if f.Least {
		return f.Value >= f.Bar
	}
	return f.Value <= f.Bar
}

func (f Figure) String() string {
	op, verdict := "<=", "short"
	if f.Least {
		op = ">="
	}
	if f.OK() {
		verdict = "ok"
	}
	return fmt.Sprintf("figure %s %.4g %s bar %s %.4g %s", f.Name, f.Value, f.Unit, op, f.Bar, verdict)
}

// Print prints one line per figure and says whether all reach their bars.
func Print(w io.Writer, figures []Figure) bool {
	ok := true
	for _, f := range figures {
		fmt.Fprintln(w, f)
		ok = ok && f.OK()
	}
	return ok
}
