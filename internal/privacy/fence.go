package privacy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	fenceOpen  = "<data "
	fenceClose = "</data "
	fenceID    = 16 // hex digits of a digest over source and content
)

// Fence wraps data for a prompt, so that nothing in it can pass for an instruction's frame or end it: the delimiter is
// derived from a digest of the content, which cannot hold its own digest. Several records stay apart: one begins at the
// start of a line, and each further line of its own begins with "| ". Control, zero-width and bidirectional characters
// are dropped. Pure: the same data gives the same fence.
func Fence(source string, records ...string) string {
	return fenced(oneLine(source), joinRecords(records))
}

func fenced(source, content string) string {
	sum := sha256.Sum256([]byte(source + "\x00" + content))
	id := hex.EncodeToString(sum[:])[:fenceID]
	for strings.Contains(content, id) { // a collision somebody worked for
		sum = sha256.Sum256(sum[:])
		id = hex.EncodeToString(sum[:])[:fenceID]
	}
	return fenceOpen + id + " " + source + ">\n" + content + "\n" + fenceClose + id + ">"
}

func joinRecords(records []string) string {
	if len(records) == 1 {
		return visible(records[0])
	}
	lines := make([]string, len(records))
	for i, r := range records {
		r = visible(r)
		if strings.HasPrefix(r, "|") {
			r = "\\" + r
		}
		lines[i] = strings.ReplaceAll(strings.ReplaceAll(r, "\r", ""), "\n", "\n| ")
	}
	return strings.Join(lines, "\n")
}

// oneLine makes a source's name fit for the opening of a fence.
func oneLine(source string) string {
	return strings.Join(strings.FieldsFunc(visible(source), func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\t' || r == '<' || r == '>' || r == ' '
	}), " ")
}

// eachFence gives what is outside of fences and what is inside to the two functions. A fence whose content changes gets
// the delimiter of its new content: a digest of what was removed would let it be guessed.
func eachFence(text string, outside, inside func(string) string) string {
	var out strings.Builder
	for {
		from, source, content, to, ok := nextFence(text)
		if !ok {
			break
		}
		out.WriteString(outside(text[:from]))
		out.WriteString(fenced(oneLine(outside(source)), inside(content)))
		text = text[to:]
	}
	if out.Len() == 0 {
		return outside(text)
	}
	out.WriteString(outside(text))
	return out.String()
}

// nextFence finds the first fence of text that is opened and closed.
func nextFence(text string) (from int, source, content string, to int, ok bool) {
	for at := 0; ; {
		open := strings.Index(text[at:], fenceOpen)
		if open < 0 {
			return 0, "", "", 0, false
		}
		from = at + open
		at = from + len(fenceOpen)
		head, rest, found := strings.Cut(text[at:], ">\n")
		if !found || len(head) <= fenceID || head[fenceID] != ' ' || strings.Contains(head, "\n") {
			continue
		}
		end := "\n" + fenceClose + head[:fenceID] + ">"
		body := strings.Index(rest, end)
		if body < 0 {
			continue
		}
		content = rest[:body]
		return from, head[fenceID+1:], content, at + len(head) + 2 + body + len(end), true
	}
}
