package analysis

import (
	"slices"
	"strings"
)

// Drain's parameters, as its paper recommends them; a depth of 3, because the second word is often a name.
const (
	drainLead     = 1   // leading words that choose a branch
	drainChildren = 100 // branches of one node; what comes after them shares the wildcard's
	drainAlike    = 0.5 // share of equal words from which a line belongs to a template
	drainWords    = 64  // words of a line that are looked at
	wildcard      = "<*>"
)

// Drain clusters log lines into templates in one pass: a line is compared only with templates of as many words that begin
// alike, joins the most similar one, and makes a wildcard of each word in which they differ. Times, ids, addresses and
// numbers are masked before (see Template), so that they never choose a branch. After He, Zhu, Zheng and Lyu,
// "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017. The zero value is empty; the same lines in the
// same order give the same templates.
type Drain struct {
	leaves  map[string][]int // key: number of words and leading words → templates
	nodes   map[string]int   // key: number of words and the words before → branches so far
	words   [][]string       // of each template
	partial []bool           // the line was longer than is looked at
}

// Add returns the number of the template that a line belongs to, from 0. The number is final, its words are not.
func (d *Drain) Add(line string) int {
	if d.leaves == nil {
		d.leaves, d.nodes = map[string][]int{}, map[string]int{}
	}
	words := strings.Fields(Template(line))
	partial := len(words) > drainWords
	words = words[:min(len(words), drainWords)]
	leaf := d.leaf(words)
	best, most := -1, 0.0
	for _, t := range d.leaves[leaf] {
		if share := equalWords(d.words[t], words); share >= drainAlike && share > most {
			best, most = t, share
		}
	}
	if best < 0 {
		best = len(d.words)
		d.words, d.partial = append(d.words, slices.Clone(words)), append(d.partial, false)
		d.leaves[leaf] = append(d.leaves[leaf], best)
	}
	for i, w := range d.words[best] {
		if w != words[i] {
			d.words[best][i] = wildcard
		}
	}
	d.partial[best] = d.partial[best] || partial
	return best
}

// Template is how the lines of a template look: words they share, masks and wildcards.
func (d *Drain) Template(n int) string {
	text := strings.Join(d.words[n], " ")
	if d.partial[n] {
		text += " …"
	}
	return text
}

// leaf walks from the root, by number of words, along the leading words. A word that holds a mask or a digit would make
// branches without end, so all of those share one.
func (d *Drain) leaf(words []string) string {
	key := string(rune(len(words)))
	for _, w := range words[:min(len(words), drainLead)] {
		branch := w
		if strings.ContainsAny(w, "<0123456789") {
			branch = wildcard
		}
		next := key + "\x00" + branch
		if _, known := d.nodes[next]; !known && branch != wildcard {
			if d.nodes[key] >= drainChildren {
				next = key + "\x00" + wildcard
			} else {
				d.nodes[key]++
			}
		}
		if _, known := d.nodes[next]; !known {
			d.nodes[next] = 0
		}
		key = next
	}
	return key
}

// equalWords is the share of places at which two lines of one length have the same word. A wildcard is no equal word, as in
// the paper: a template of wildcards alone attracts nothing. Lines without words are alike.
func equalWords(template, words []string) float64 {
	if len(words) == 0 {
		return 1
	}
	same := 0
	for i, w := range template {
		if w == words[i] && w != wildcard {
			same++
		}
	}
	return float64(same) / float64(len(words))
}
