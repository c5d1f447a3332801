package protocol_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
)

// cut is frames of two bytes of length, of which eight bytes matter; seen is what came out.
type cut struct {
	protocol.Frames
	seen []string
}

func newCut() *cut {
	return &cut{Frames: protocol.Frames{
		Head: 2, Keep: 8,
		Size:   func(head []byte) int64 { return int64(binary.BigEndian.Uint16(head)) },
		Begins: func(b []byte) bool { return len(b) >= 3 && b[2] == '!' },
	}}
}

// see writes a frame as its kept body, its size and when it came: "ab/4@1-2".
func (c *cut) see(f protocol.Frame) bool {
	c.seen = append(c.seen, fmt.Sprintf("%s/%d@%d-%d", f.Bytes[2:], f.Size, f.First.Unix(), f.Last.Unix()))
	return string(f.Bytes[2:]) != "stop"
}

func frame(body string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), body...)
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 100)
	type piece struct {
		data []byte
		hole int64
	}
	data := func(parts ...[]byte) piece { return piece{data: bytes.Join(parts, nil)} }
	for name, c := range map[string]struct {
		pieces []piece // one a second, from 1 on
		want   []string
		lost   bool
		ends   bool
	}{
		"two at once":                           {pieces: []piece{data(frame("a"), frame("bc"))}, want: []string{"a/3@1-1", "bc/4@1-1"}},
		"empty":                                 {pieces: []piece{data(frame(""), frame("a"))}, want: []string{"/2@1-1", "a/3@1-1"}},
		"in pieces":                             {pieces: []piece{data([]byte{0}), data([]byte{4, 'a'}), data([]byte("b"))}, want: []string{"ab/4@1-3"}},
		"more than matters":                     {pieces: []piece{data(frame(long), frame("a"))}, want: []string{"xxxxxx/102@1-1", "a/3@1-1"}},
		"the rest comes later":                  {pieces: []piece{data(frame(long)[:50]), data(frame(long)[50:], frame("a"))}, want: []string{"xxxxxx/102@1-2", "a/3@2-2"}},
		"the rest is not copied":                {pieces: []piece{data(frame(long)[:50]), {hole: 52}, data(frame("a"))}, want: []string{"xxxxxx/102@1-2", "a/3@3-3"}},
		"not copied, then copied":               {pieces: []piece{data(frame(long)[:50]), {hole: 22}, data(frame(long)[72:])}, want: []string{"xxxxxx/102@1-3"}},
		"what matters is not copied":            {pieces: []piece{data(frame(long)[:4]), {hole: 98}, data(frame("a"))}, want: []string{"xx/102@1-2", "a/3@3-3"}},
		"a hole over the end":                   {pieces: []piece{data(frame(long)[:50]), {hole: 60}, data(frame("a"))}, want: []string{"xxxxxx/102@1-2"}, lost: true},
		"found again":                           {pieces: []piece{data(frame(long)[:50]), {hole: 60}, data(frame("a")), data(frame("!b"))}, want: []string{"xxxxxx/102@1-2", "!b/4@4-4"}},
		"found by a head that comes by itself":  {pieces: []piece{{hole: 3}, data([]byte{0}), data([]byte{4}), data([]byte("!b"))}, want: []string{"!b/4@4-4"}},
		"found behind a head that is none":      {pieces: []piece{{hole: 3}, data([]byte{0, 9}), data(frame("!b"))}, want: []string{"!b/4@3-3"}},
		"found after a head that was none":      {pieces: []piece{{hole: 3}, data([]byte{0, 9}), data([]byte("xx")), data(frame("!b"))}, want: []string{"!b/4@4-4"}},
		"a hole behind the head":                {pieces: []piece{{hole: 3}, data([]byte{0, 4}), {hole: 1}, data([]byte("!b"))}, lost: true},
		"a hole in the length":                  {pieces: []piece{data([]byte{0}), {hole: 3}, data(frame("a"))}, lost: true},
		"a hole before any":                     {pieces: []piece{{hole: 3}}, lost: true},
		"no frame":                              {pieces: []piece{data([]byte{0, 1, 2})}, ends: true},
		"the reader wants no more":              {pieces: []piece{data(frame("stop"), frame("a"))}, want: []string{"stop/6@1-1"}, ends: true},
		"the reader wants no more after a hole": {pieces: []piece{data(frame("stop")[:6][:5]), {hole: 1}}, want: []string{"sto/6@1-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, ended := newCut(), false
			for i, p := range c.pieces {
				at := time.Unix(int64(i)+1, 0)
				if p.data != nil {
					ended = !f.Data(at, p.data, f.see)
				} else {
					ended = !f.Hole(at, p.hole, f.see)
				}
			}
			if diff := cmp.Diff(c.want, f.seen); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
			if f.Lost() != c.lost || ended != c.ends {
				t.Errorf("lost %t, ended %t", f.Lost(), ended)
			}
		})
	}
}

// TestFramesWhateverTheCut gives the same bytes in pieces of every size.
func TestFramesWhateverTheCut(t *testing.T) {
	all := bytes.Join([][]byte{frame("a"), frame(""), frame(strings.Repeat("y", 300)), frame("bcdefghijk"), frame("z")}, nil)
	want := []string{"a/3", "/2", "yyyyyy/302", "bcdefg/12", "z/3"}
	for size := 1; size <= len(all); size++ {
		var got []string
		f := newCut()
		for b := all; len(b) > 0; b = b[min(size, len(b)):] {
			f.Data(time.Unix(1, 0), b[:min(size, len(b))], func(fr protocol.Frame) bool {
				got = append(got, fmt.Sprintf("%s/%d", fr.Bytes[2:], fr.Size))
				return true
			})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in pieces of %d (-want +got):\n%s", size, diff)
		}
	}
}

func TestPending(t *testing.T) {
	var p protocol.Pending[int]
	for i, name := range []string{"a", "b", "c", "d"} {
		p.Add(7*i%5, protocol.Call{Operation: name, Start: time.Unix(int64(i), 0)})
	}
	if c, ok := p.Take(2); !ok || c.Operation != "b" {
		t.Errorf("took %q, %t", c.Operation, ok)
	}
	if _, ok := p.Take(2); ok || p.Has(2) || !p.Has(0) || p.Len() != 3 {
		t.Errorf("it is still there; %d wait", p.Len())
	}
	var left []string
	p.Close(time.Unix(10, 0), func(c protocol.Call) {
		left = append(left, fmt.Sprintf("%s %t %s", c.Operation, c.Failed, c.Duration))
	})
	if diff := cmp.Diff([]string{"a true 10s", "c true 8s", "d true 7s"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	for i := range protocol.MaxPending + 1 {
		if got := p.Add(i, protocol.Call{}); got != (i < protocol.MaxPending) {
			t.Fatalf("the call %d: %t", i, got)
		}
	}
}

func TestFramesLeft(t *testing.T) {
	c := newCut()
	for i, step := range []struct {
		data string
		hole int64
		want int64
	}{{data: "\x00", want: -1}, {data: "\x14ab", want: 16}, {data: "cdefgh", want: 10}, {hole: 7, want: 3}, {data: "xyz", want: 0}, {data: "\x00\x09", want: 7}, {data: "!", want: 6}} {
		c.Data(time.Unix(1, 0), []byte(step.data), c.see)
		c.Hole(time.Unix(1, 0), step.hole, c.see)
		if got := c.Left(); got != step.want {
			t.Errorf("step %d: %d left, want %d", i, got, step.want)
		}
	}
}
