package redis

import (
	"bytes"
	"strconv"

	"github.com/midwatch/midwatch/collector/protocol"
)

// answer is one answer: its size, and its text if it is an error.
type answer struct {
	size int64
	err  string
	push bool // sent without being asked for
}

// answers cuts the server's direction into answers.
type answers struct {
	protocol.Stream
	open bool // ans has begun
	left int  // values of ans still to come; an array of n adds n
	ans  answer
}

// next returns the next answer. wait is true when more bytes are needed, bad when these are no answers.
func (r *answers) next() (a answer, wait, bad bool) {
	for {
		if r.Skipping() {
			return a, true, false
		}
		if r.open && r.left == 0 {
			r.open = false
			return r.ans, false, false
		}
		b := r.Bytes()
		if len(b) == 0 {
			return a, true, false
		}
		if !r.open {
			r.open, r.left, r.ans = true, 1, answer{}
		}
		line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
		if !whole && len(b) < maxLine {
			return a, true, false
		}
		if !whole || !r.value(line) {
			return a, false, true
		}
	}
}

// forget drops what has arrived of an answer.
func (r *answers) forget() {
	r.Reset()
	r.open, r.left, r.ans = false, 0, answer{}
}

// value reads one value by its first line. It returns false if it is none.
func (r *answers) value(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	top := r.ans.size == 0
	n, rest := 0, int64(len(line))+2
	switch line[0] {
	case '+', ':', '_', '#', ',', '(':
	case '-':
		if top {
			r.ans.err = string(line[1:])
		}
	default:
		var err error
		if n, err = strconv.Atoi(string(line[1:])); err != nil || n < -1 || n > maxBulk {
			return false
		}
	}
	switch line[0] {
	case '$', '=', '!':
		if line[0] == '!' && top {
			r.ans.err = r.blob(int(rest), n)
		}
		if n >= 0 {
			rest += int64(n) + 2
		}
	case '*', '~', '>':
		r.ans.push = r.ans.push || line[0] == '>' && top
		r.left += max(n, 0)
	case '%':
		r.left += 2 * max(n, 0)
	case '|': // annotates the value that follows
		r.left += 2*max(n, 0) + 1
	case '+', '-', ':', '_', '#', ',', '(':
	default:
		return false
	}
	r.ans.size += rest
	r.left--
	r.Next(rest)
	return true
}

// blob is the start of an error sent as a blob, as far as it has arrived.
func (r *answers) blob(from, n int) string {
	b := r.Bytes()[from:]
	return string(b[:max(min(n, len(b), protocol.MaxError), 0)])
}
