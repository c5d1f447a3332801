package main

import (
	"fmt"
	"io"
)

// figure is one measured value and the most it may be.
type figure struct {
	name  string
	value float64
	unit  string
	limit float64
}

func (f figure) String() string {
	verdict := "short"
	if f.value <= f.limit {
		verdict = "ok"
	}
	return fmt.Sprintf("figure %s %.4g %s bar <= %.4g %s", f.name, f.value, f.unit, f.limit, verdict)
}

// printFigures prints one line per figure and says whether all reach their bars.
func printFigures(w io.Writer, figures []figure) bool {
	ok := true
	for _, f := range figures {
		fmt.Fprintln(w, f)
		ok = ok && f.value <= f.limit
	}
	return ok
}
