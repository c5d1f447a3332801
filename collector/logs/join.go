package logs

import (
	"regexp"
	"strings"
	"time"
)

const (
	// maxJoined bounds a record of several lines.
	maxJoined = 256
	// joinIdle is how long a record waits for its next line.
	joinIdle = 500 * time.Millisecond
)

var (
	// continues matches lines that belong to the one before: indented, or a further cause.
	continues = regexp.MustCompile(`^(\s+\S|Caused by: |During handling of |The above exception |\.\.\. \d+ more|[)}\]]+$)`)
	// traces start something whose lines are not all indented.
	traces = regexp.MustCompile(`^(panic: |fatal error: |goroutine \d+ \[|Traceback \(most recent call last\)|Exception in thread )`)
	// begins matches lines that start a record of their own, even inside a trace.
	begins = regexp.MustCompile(`^(\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|[{\[]|(time|ts|level|msg)=|[IWEF]\d{4} |<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d \d\d:)`)
)

// joiner puts the lines of a stack trace together.
type joiner struct {
	lines []string
	size  int
	end   int64     // offset after the last line
	at    time.Time // of the last line
	trace bool
}

// line takes the next line and emits the record before it if the line does not belong to it.
func (j *joiner) line(text string, end int64, at time.Time, emit func(record)) {
	if len(j.lines) > 0 && !j.belongs(text) {
		j.flush(emit)
	}
	if text == "" && len(j.lines) == 0 {
		emit(record{end: end, at: at, empty: true})
		return
	}
	j.lines = append(j.lines, text)
	j.size, j.end, j.at = j.size+len(text), end, at
	j.trace = j.trace || traces.MatchString(text)
}

func (j *joiner) belongs(text string) bool {
	if len(j.lines) >= maxJoined || j.size+len(text) > maxLine {
		return false
	}
	return continues.MatchString(text) || j.trace && !begins.MatchString(text) || traces.MatchString(text) && j.trace
}

// idle emits a record that has waited long enough.
func (j *joiner) idle(now time.Time, emit func(record)) {
	if len(j.lines) > 0 && now.Sub(j.at) >= joinIdle {
		j.flush(emit)
	}
}

func (j *joiner) flush(emit func(record)) {
	if len(j.lines) == 0 {
		return
	}
	emit(record{text: strings.TrimRight(strings.Join(j.lines, "\n"), "\n"), end: j.end, at: j.at})
	*j = joiner{}
}
