package privacy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	fenceOpen  = "<data "
	fenceClose = "</data "
	fenceID    = 8 // hex digits at the start of a digest over source and content
)

// Fence wraps data for a prompt, so that nothing in it can pass for an instruction's frame or end it: the delimiter is
// derived from a digest of the content, and never occurs in it. Several records stay apart: one begins at the
// start of a line, and each further line of its own begins with "| ". Control, zero-width and bidirectional characters
// are dropped. Pure: the same data gives the same fence.
func Fence(source string, records ...string) string {
	return fenced(oneLine(source), joinRecords(records))
}

func fenced(source, content string) string {
	sum := sha256.Sum256([]byte(source + "\x00" + content))
	id := hex.EncodeToString(sum[:])[:fenceID]
	for strings.Contains(content, id) {
		sum = sha256.Sum256(sum[:])
		id = hex.EncodeToString(sum[:])[:fenceID]
	}
	if source != "" {
		source = " " + source
	}
	return fenceOpen + id + source + ">\n" + content + "\n" + fenceClose + id + ">"
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
	words := strings.FieldsFunc(visible(source), func(r rune) bool { return strings.ContainsRune(" \t\r\n<>", r) })
	text := strings.Join(words, " ")
	return strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), maxSource)], ""))
}

// maxSource bounds the name of a fence's source, in bytes.
const maxSource = 200

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
	at := 0
	for range maxUnclosed {
		open := strings.Index(text[at:], fenceOpen)
		if open < 0 {
			return 0, "", "", 0, false
		}
		from = at + open
		at = from + len(fenceOpen)
		head, _, found := strings.Cut(text[at:min(len(text), at+maxFenceHead)], ">\n")
		if !found {
			continue
		}
		id, source, _ := strings.Cut(head, " ")
		if len(id) < fenceID || strings.Trim(id, "0123456789abcdef") != "" || strings.Contains(source, "\n") {
			continue
		}
		body := at + len(head) + 2
		end := "\n" + fenceClose + id + ">"
		length := strings.Index(text[body:], end)
		if length < 0 {
			continue
		}
		return from, source, text[body : body+length], body + length + len(end), true
	}
	return 0, "", "", 0, false
}

// maxUnclosed bounds how many openings without an end are looked at: each costs a search through the rest of the text.
const maxUnclosed = 64

// maxFenceHead bounds the opening line of a fence, in bytes.
const maxFenceHead = 512
