package spoken

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dayOrWeek is a part of a length of time that Go's own notation does not know.
var dayOrWeek = regexp.MustCompile(`(\d+(?:\.\d+)?)([dw])`)

// Duration reads a length of time as people write it: as in Go, with days of 24 hours and weeks besides (90s, 1h30m, 30d, 2w).
func Duration(text string) (time.Duration, error) {
	hours := dayOrWeek.ReplaceAllStringFunc(strings.TrimSpace(text), func(part string) string {
		n, err := strconv.ParseFloat(part[:len(part)-1], 64)
		if err != nil {
			return part
		}
		n *= 24
		if strings.HasSuffix(part, "w") {
			n *= 7
		}
		return strconv.FormatFloat(n, 'f', -1, 64) + "h"
	})
	d, err := time.ParseDuration(hours)
	if err != nil { // its words are Go's, and of what was made of the text
		return 0, fmt.Errorf("%q is no length of time; write it like 90s, 15m, 12h or 30d", text)
	}
	return d, nil
}
