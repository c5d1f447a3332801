// Package contract is what crosses fd 3 between an engine and the program inside the sandbox: one request, one answer,
// each a frame of a 4-byte big-endian length and JSON. The child reads one request, writes one answer and exits 0.
package contract

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/midwatch/midwatch/internal/investigation"
)

// FD is the only descriptor besides stdio that a sandboxed program is given.
const FD = 3

// MaxFrame bounds a frame in bytes: a step's input is at most 8 MB of evidence plus its transcript.
const MaxFrame = 12 << 20

// ErrFrame means the other side sent something that is not a frame of the contract.
var ErrFrame = errors.New("not a frame of the sandbox contract")

// Request is what the sandboxed program is asked. Exactly one field is set.
type Request struct {
	Step  *investigation.Transcript `json:"step,omitempty"`  // decide the next step
	Model *ModelRequest             `json:"model,omitempty"` // the same, with a model as the analyst
	Check *CheckRequest             `json:"check,omitempty"` // evaluate a report's checks
	Reply *AnswerRequest            `json:"reply,omitempty"` // answer a person's question without a model

	Program *ProgramRequest `json:"program,omitempty"` // run a program over evidence
}

// Answer is what it answers. Exactly one field is set.
type Answer struct {
	Step  *investigation.Step `json:"step,omitempty"`
	Model *ModelAnswer        `json:"model,omitempty"`
	Check *CheckAnswer        `json:"check,omitempty"`
	Reply *ReplyText          `json:"reply,omitempty"`
	Error string              `json:"error,omitempty"` // the program could not do it; final

	Program *ProgramAnswer `json:"program,omitempty"`
}

// CheckRequest asks for every check of a report to be evaluated.
type CheckRequest struct {
	Report   investigation.Report       `json:"report"`
	Evidence map[string]json.RawMessage `json:"evidence"` // evidence id → structured result
	Control  map[string]json.RawMessage `json:"control"`  // evidence id → result over the healthy window; absent: no counterpart

	// Programs are those whose results are in Evidence, by evidence id. They have no control of their own: they are run again
	// over that of what they read, which must be in Evidence, too.
	Programs map[string]Program `json:"programs,omitempty"`
}

// CheckAnswer is the report with every Check filled, failed claims struck and confidence lowered where that follows.
type CheckAnswer struct {
	Report investigation.Report `json:"report"`
}

// Write writes one frame.
func Write(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if len(b) > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, len(b), MaxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
	_, err = w.Write(append(frame, b...))
	return err
}

// Read reads one frame into v. Unknown fields are allowed: both sides are built from one tree, but not always at once.
func Read(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxFrame {
		return fmt.Errorf("%w: %d bytes announced, at most %d", ErrFrame, n, MaxFrame)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return nil
}

// Call is the engine's side: it writes the request and reads the one answer. Whatever follows the answer breaks the contract, and so does
// an answer that sets no field or several.
func Call(conn io.ReadWriter, req Request) (Answer, error) {
	if err := Write(conn, req); err != nil {
		return Answer{}, err
	}
	var answer Answer
	if err := Read(conn, &answer); err != nil {
		return Answer{}, err
	}
	if n := answer.fields(); n != 1 {
		return Answer{}, fmt.Errorf("%w: the answer sets %d fields, not 1", ErrFrame, n)
	}
	switch n, err := conn.Read(make([]byte, 1)); {
	case n > 0:
		return Answer{}, fmt.Errorf("%w: more follows the answer", ErrFrame)
	case !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET): // reset: the program left without reading all of its request
		return Answer{}, fmt.Errorf("wait for the program's end: %w", err)
	}
	return answer, nil
}

func (a Answer) fields() (n int) {
	for _, set := range []bool{a.Step != nil, a.Model != nil, a.Check != nil, a.Reply != nil, a.Program != nil, a.Error != ""} {
		if set {
			n++
		}
	}
	return n
}
