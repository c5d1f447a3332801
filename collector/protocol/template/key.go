package template

import "strings"

// maxKey bounds a templated key, in bytes.
const maxKey = 128

// Key replaces the parts of a Redis key that look like ids, and every run of digits, by "?": "cart:{17}:items" becomes
// "cart:{?}:items". Bytes that do not print become "?", too.
func Key(key string) string {
	var b strings.Builder
	for i := 0; i < len(key) && b.Len() < maxKey; {
		end := i
		for end < len(key) && isKeyWord(key[end]) {
			end++
		}
		if end == i {
			if c := key[i]; c > ' ' && c < 0x7f {
				b.WriteByte(c)
			} else {
				b.WriteByte('?')
			}
			i++
			continue
		}
		word := key[i:end]
		switch {
		case isID(word) || strings.ContainsRune(word, '@') || len(word) > maxSegment:
			b.WriteByte('?')
		default:
			digits(&b, word)
		}
		i = end
	}
	return Cut(b.String(), maxKey)
}

func isKeyWord(c byte) bool {
	return c == '@' || c < 0x80 && isWord(c) && c != '_'
}

// digits writes a word with each run of digits as "?".
func digits(b *strings.Builder, word string) {
	in := false
	for i := range len(word) {
		d := word[i] >= '0' && word[i] <= '9'
		if !d {
			b.WriteByte(word[i])
		} else if !in {
			b.WriteByte('?')
		}
		in = d
	}
}
