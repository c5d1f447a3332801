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
	// words are the first values of an array, those that were asked for.
	words [maxWords]string
}

const (
	maxWords = 3
	maxWord  = 128 // bytes of a word; a longer one is none
)

// answers cuts the server's direction into answers.
type answers struct {
	protocol.Stream
	open  bool // ans has begun
	left  int  // values of ans still to come; an array of n adds n
	ans   answer
	nth   int  // values of ans that were read
	wordy bool // the words of arrays matter
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
			r.open, r.left, r.nth, r.ans = true, 1, 0, answer{}
		}
		line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
		if !whole && len(b) < maxLine {
			return a, true, false
		}
		if whole && r.word(line, b[len(line)+2:]) {
			return a, true, false
		}
		if !whole || !r.value(line) {
			return a, false, true
		}
	}
}

// word keeps the value that begins with a line and goes on with b if it is one of the words. It returns true if more bytes are needed.
func (r *answers) word(line, b []byte) (wait bool) {
	if !r.wordy || r.nth == 0 || r.nth > maxWords || len(line) == 0 {
		return false
	}
	word := string(line[1:min(len(line), 1+maxWord)])
	if line[0] == '$' {
		n, err := strconv.Atoi(string(line[1:]))
		if err != nil || n < 0 || n > maxWord {
			return false
		}
		if len(b) < n {
			return true
		}
		word = string(b[:n])
	}
	r.ans.words[r.nth-1] = word
	return false
}

// forget drops what has arrived of an answer.
func (r *answers) forget() {
	r.Reset()
	r.open, r.left, r.nth, r.ans = false, 0, 0, answer{}
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
	r.nth++
	r.Next(rest)
	return true
}

// blob is the start of an error sent as a blob, as far as it has arrived.
func (r *answers) blob(from, n int) string {
	b := r.Bytes()[from:]
	return string(b[:max(min(n, len(b), protocol.MaxError), 0)])
}
