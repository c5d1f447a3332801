package model

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// fence marks text as data. The mark is derived from the text and does not occur in it, so nothing in the text can end
// the fence: whoever writes the text cannot know the mark before the text is finished.
func fence(text string) string {
	mark := ""
	for n := 0; mark == "" || strings.Contains(text, mark); n++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(n) + text))
		mark = hex.EncodeToString(sum[:4])
	}
	return "<data " + mark + ">\n" + strings.TrimSuffix(text, "\n") + "\n</data " + mark + ">"
}
