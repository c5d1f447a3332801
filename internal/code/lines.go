package code

import (
	"bytes"
	"unicode/utf8"
)

// IsText tells text from binary as git does: no NUL near the beginning; and it must be UTF-8.
func IsText(b []byte) bool {
	return bytes.IndexByte(b[:min(len(b), 8000)], 0) < 0 && utf8.Valid(b)
}

// Cut keeps the first limit bytes of s, whole characters only.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
