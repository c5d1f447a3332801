package privacy

import (
	"cmp"
	_ "embed"
	"slices"
	"sync"
)

// Known is the names that the investigations of an environment met. It holds no pseudonyms: those follow from the key. It only
// grows. Safe for concurrent use.
type Known struct {
	mu    sync.RWMutex
	index *known
}

// NewKnown returns one that holds no name.
func NewKnown() *Known { return &Known{index: newKnown()} }

// Add takes over the names of a map that are told apart from ordinary words.
func (k *Known) Add(m *Map) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m.each(k.index.add)
}

// Len is how many names there are.
func (k *Known) Len() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.index.kinds)
}

// known finds names that were met before wherever they stand alone: what a phrase gave away once must not leave without
// the phrase. The first word of a name leads to the lengths of those that begin with it, so a text costs a few looks per word
// however many names there are.
type known struct {
	first   [256]uint64        // first byte → which lengths the first words of names have
	lengths map[string][]int   // first word, ASCII letters in lower case → lengths of the names, longest first
	kinds   map[string]kindSet // name, likewise → what it was met as
}

// kindSet has the bit of each kind's place in kindOrder.
type kindSet uint8

var kindOrder = [...]string{KindEmail, KindHost, KindIP, KindUser}

// newKnown indexes the names of maps.
func newKnown(maps ...*Map) *known {
	k := &known{lengths: map[string][]int{}, kinds: map[string]kindSet{}}
	for _, m := range maps {
		m.each(k.add)
	}
	return k
}

func (k *known) add(kind, original string) {
	name := lowerASCII(original)
	if kind == KindUser && !distinct(name) || name == "" || !inWord(name[0]) || isPseudonym(original) {
		return // what only looks like a pseudonym is found as such where it is data, and is ours where it is not
	}
	at := slices.Index(kindOrder[:], kind)
	if at < 0 {
		return
	}
	if k.kinds[name] == 0 {
		word := name[:wordEnd(name, 0)]
		k.first[word[0]] |= lengthBit(len(word))
		lengths := k.lengths[word]
		if i, found := slices.BinarySearchFunc(lengths, len(name), func(have, want int) int { return cmp.Compare(want, have) }); !found {
			k.lengths[word] = slices.Insert(lengths, i, len(name))
		}
	}
	k.kinds[name] |= 1 << at
}

// minKnown is how long a user's name must be to be looked for everywhere: shorter ones are units, labels, and endings.
const minKnown = 3

//go:embed ordinary.txt
var ordinaryText string

// ordinary words are those of prompts, tools, and logs. A user may be called like one; its every use is not that user.
var ordinary = set(ordinaryText)

// distinct tells whether a user's name, in lower case, can be told from the words around it.
func distinct(name string) bool {
	return len(name) >= minKnown && personal(name) && !ordinary[name] && !naturalWords[name]
}

// find returns the names of some indexes in a text, in order and apart. In our own words a pseudonym is left whole.
func find(text string, own bool, keep map[string]bool, indexes ...*known) []finding {
	indexes = slices.DeleteFunc(indexes, func(k *known) bool { return len(k.kinds) == 0 })
	if len(indexes) == 0 {
		return nil
	}
	var found []finding
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '[' && removedEnd(text, i) > 0:
			i = removedEnd(text, i)
		case !inWord(c):
			i++
		default:
			end := wordEnd(text, i)
			f, ok := longest(text, i, end, own, keep, indexes)
			if from := afterCode(text, i); !ok && from > i && from < end {
				f, ok = longest(text, from, end, own, keep, indexes)
			}
			if ok {
				found, end = append(found, f), f.to
			}
			i = end
		}
	}
	return found
}

// longest returns the longest name of all indexes at the word [i, end).
func longest(text string, i, end int, own bool, keep map[string]bool, indexes []*known) (best finding, ok bool) {
	for _, k := range indexes {
		if f, is := k.at(text, i, end, own, keep); is && (!ok || f.to > best.to) {
			best, ok = f, true
		}
	}
	return best, ok
}

// at returns the longest name at the word [i, end).
func (k *known) at(text string, i, end int, own bool, keep map[string]bool) (finding, bool) {
	if end-i > maxKnownWord || k.first[lowerByte(text[i])]&lengthBit(end-i) == 0 {
		return finding{}, false
	}
	var word [maxKnownWord]byte
	for n := i; n < end; n++ {
		word[n-i] = lowerByte(text[n])
	}
	for _, length := range k.lengths[string(word[:end-i])] {
		to := i + length
		if to > len(text) || to < len(text) && inWord(text[to]) {
			continue
		}
		name := lowerASCII(text[i:to])
		kinds := k.kinds[name]
		if kinds == 0 || keep[name] || own && i > 0 && ours(text, i-1) {
			continue
		}
		for n, kind := range kindOrder {
			if kinds&(1<<n) != 0 && (kind != KindIP || !dotted(text, i, to)) {
				return finding{i, to, kind, false}, true
			}
		}
	}
	return finding{}, false
}

// maxKnownWord bounds the first word of a name, in bytes: host names' labels have at most 63.
const maxKnownWord = 255

func lengthBit(n int) uint64 { return 1 << min(n, 63) }

// ours tells whether the dash at i belongs to a pseudonym.
func ours(text string, i int) bool {
	if text[i] != '-' {
		return false
	}
	_, _, ok := pseudonymAt(text, i)
	return ok
}

// dotted tells whether an address is a part of a longer row of numbers, such as an object id.
func dotted(text string, from, to int) bool {
	return from > 1 && text[from-1] == '.' && isDigit(text[from-2]) || to+1 < len(text) && text[to] == '.' && isDigit(text[to+1])
}

// afterCode returns where the word at i begins if its first letters belong to an escape before it: \njoe, %20joe.
func afterCode(text string, i int) int {
	switch {
	case i == 0:
		return i
	case text[i-1] == '\\':
		return afterEscape(text, i-1)
	case text[i-1] == '%' && i+2 < len(text) && isHex(text[i]) && isHex(text[i+1]):
		return i + 2
	}
	return i
}

// united are findings and the known names beside them, in order and apart. Where two overlap, both go as one.
func united(found, names []finding) []finding {
	all := append(slices.Clone(found), names...)
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(a.from, b.from) })
	out := all[:0]
	for _, f := range all {
		if len(out) == 0 || f.from >= out[len(out)-1].to {
			out = append(out, f)
			continue
		}
		last := &out[len(out)-1]
		if wider := f.to-f.from > last.to-last.from; f.secret && !last.secret || wider && f.secret == last.secret {
			last.kind, last.secret = f.kind, f.secret
		}
		last.to = max(last.to, f.to)
	}
	return out
}

func inWord(c byte) bool { return alphanumeric(c) || c >= 0x80 }

func wordEnd(text string, i int) int {
	for i < len(text) && inWord(text[i]) {
		i++
	}
	return i
}

func lowerByte(c byte) byte {
	if isUpper(c) {
		c |= 0x20
	}
	return c
}

// lowerASCII keeps the length, which strings.ToLower does not.
func lowerASCII(text string) string {
	for i := range len(text) {
		if isUpper(text[i]) {
			b := []byte(text)
			for n := range b {
				b[n] = lowerByte(b[n])
			}
			return string(b)
		}
	}
	return text
}
