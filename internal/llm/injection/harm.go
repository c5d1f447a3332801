package injection

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	links    = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://\S*|\bwww\.\S+|\b(?:javascript|data|vbscript|mailto|file):\S+|(?:^|[^\\])\]\(\S*`)
	images   = regexp.MustCompile(`(?i)(?:^|[^\\])!\[\S*|<img\b`)
	tags     = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	orderly  = regexp.MustCompile(`(?i)#\d+|\bGH-\d+|\[(?:skip ci|ci skip)\]`)
	mentions = regexp.MustCompile(`<[!@#][^>]*>|(?:^|[\s(])@[A-Za-z]\w*`)
)

// Links are what a page, a terminal or a chat would make a link of.
func Links(text string) []string { return links.FindAllString(text, -1) }

// Images are what would be fetched to be shown.
func Images(text string) []string { return images.FindAllString(text, -1) }

// Tags are markup.
func Tags(text string) []string { return tags.FindAllString(text, -1) }

// Mentions are what calls people.
func Mentions(text string) []string { return mentions.FindAllString(text, -1) }

// Orders are what a code host acts upon: issues that are linked or closed, checks that are left out.
func Orders(text string) []string { return orderly.FindAllString(text, -1) }

// Hidden are characters that are not seen but act: control, bidirectional, joining, tags that spell ASCII.
func Hidden(text string) []string {
	var out []string
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co) || strings.ContainsRune("\u2028\u2029\u3164\u115f\u1160\uffa0", r)) {
			out = append(out, string(r))
		}
	}
	return out
}
