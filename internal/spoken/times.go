package spoken

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// atWidth is how long a moment such as "at 03:12" is taken to last.
const atWidth = 15 * time.Minute

// maxBack bounds "in the last …".
const maxBack = 30 * 24 * time.Hour

const (
	clock = `(yesterday\s+(?:at\s+)?)?(\d{1,2}(?::\d{2}){1,2}(?:\s*[ap]m)?|\d{1,2}\s*[ap]m|noon|midnight)(\s+yesterday)?`
	unit  = `(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?)`
)

// The forms of times, the first that fits is taken. A clock is three groups: yesterday before, the time, yesterday after.
var (
	between = regexp.MustCompile(`(?i)\b(?:between|from)\s+` + clock + `\s+(?:and|to|until|till)\s+` + clock + `(?:\W|$)`)
	since   = regexp.MustCompile(`(?i)\b(?:since|after|from)\s+` + clock + `(?:\W|$)`)
	lately  = regexp.MustCompile(`(?i)\b(?:last|past)\s+(?:(\d{1,4})\s*)?` + unit + `\b`)
	ago     = regexp.MustCompile(`(?i)\b(\d{1,4}|an?)\s*` + unit + `\s+ago\b`)
	at      = regexp.MustCompile(`(?i)\b(?:at|around|about)\s+` + clock + `(?:\W|$)`)
	dayAt   = regexp.MustCompile(`(?i)\b(yesterday\s+(?:at\s+)?)(\d{1,2}(?::\d{2}){1,2}(?:\s*[ap]m)?|\d{1,2}\s*[ap]m|noon|midnight)()(?:\W|$)`)
)

// Window is the span of time that a question speaks of, by the clock of now's location, and never beyond now; ok is false where it
// speaks of none. A time of day that has not come yet today was yesterday's.
func Window(question string, now time.Time) (w investigation.Window, ok bool) {
	if m := between.FindStringSubmatch(question); m != nil {
		from, ok1 := moment(m[1:4], now)
		to, ok2 := moment(m[4:7], now)
		if ok1 && ok2 && to.Before(from) {
			from = from.AddDate(0, 0, -1) // from 23:00 to 01:00
		}
		return bounded(from, to, now, ok1 && ok2)
	}
	if m := since.FindStringSubmatch(question); m != nil {
		from, ok := moment(m[1:4], now)
		return bounded(from, now, now, ok)
	}
	if m := lately.FindStringSubmatch(question); m != nil {
		back, ok := span(m[1], m[2])
		return bounded(now.Add(-back), now, now, ok)
	}
	if m := ago.FindStringSubmatch(question); m != nil {
		back, ok := span(m[1], m[2])
		return bounded(now.Add(-back), now.Add(atWidth-back), now, ok)
	}
	for _, form := range []*regexp.Regexp{dayAt, at} {
		if m := form.FindStringSubmatch(question); m != nil {
			from, ok := moment(m[1:4], now)
			return bounded(from, from.Add(atWidth), now, ok)
		}
	}
	return w, false
}

// clocklike is what people write for times of day, and dates; no part of an address or a version.
var clocklike = regexp.MustCompile(`(?i)(?:^|[\s(,;])(\d{1,2}(?::\d{2}){1,2}(?:\s*[ap]m)?|\d{1,2}\s*[ap]m|\d{4}-\d{2}-\d{2})(?:[\s),;.?!]|$)`)

// Misread finds what looks like a time in a question and is none that Window understands: 25:99, a date, the last 9999 days.
func Misread(question string, now time.Time) []string {
	var all []string
	for rest := question; ; {
		m := clocklike.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		text := rest[m[2]:m[3]]
		if _, _, _, ok := timeOfDay(strings.ToLower(text)); !ok && !slices.Contains(all, text) {
			all = append(all, text)
		}
		rest = rest[m[3]:] // what follows may be where the next one begins
	}
	if _, ok := Window(question, now); !ok {
		for _, form := range []*regexp.Regexp{lately, ago} {
			if text := form.FindString(question); text != "" {
				all = append(all, text)
			}
		}
	}
	return all
}

// bounded is a window that ends by now.
func bounded(from, to, now time.Time, ok bool) (investigation.Window, bool) {
	if to.After(now) {
		to = now
	}
	if !ok || !from.Before(to) || now.Sub(from) > maxBack {
		return investigation.Window{}, false
	}
	return investigation.Window{From: from.UTC(), To: to.UTC()}, true
}

// span reads "30 minutes"; a number that is not there, or is "a", is one.
func span(number, unit string) (time.Duration, bool) {
	n := 1
	if number != "" && !strings.HasPrefix(strings.ToLower(number), "a") {
		var err error
		if n, err = strconv.Atoi(number); err != nil || n == 0 {
			return 0, false
		}
	}
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	return time.Duration(n) * units[strings.ToLower(unit)[0]], true
}

// moment reads a clock: the latest time of that name that is past, or yesterday's.
func moment(parts []string, now time.Time) (time.Time, bool) {
	hour, minute, second, ok := timeOfDay(strings.ToLower(strings.TrimSpace(parts[1])))
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, second, 0, now.Location())
	if parts[0] != "" || parts[2] != "" || t.After(now) {
		t = t.AddDate(0, 0, -1)
	}
	return t, true
}

// timeOfDay reads 3pm, 03:12, 3:12 pm, 22:10:05, noon and midnight.
func timeOfDay(text string) (hour, minute, second int, ok bool) {
	switch text {
	case "noon":
		return 12, 0, 0, true
	case "midnight":
		return 0, 0, 0, true
	}
	bare := strings.TrimRight(text, "apm ")
	half := strings.TrimSpace(strings.TrimPrefix(text, bare))
	var numbers [3]int
	for i, part := range strings.Split(bare, ":") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = n
	}
	hour = numbers[0]
	if half != "" && (hour < 1 || hour > 12) {
		return 0, 0, 0, false
	}
	if half == "pm" && hour < 12 {
		hour += 12
	}
	if half == "am" && hour == 12 {
		hour = 0
	}
	return hour, numbers[1], numbers[2], hour < 24 && numbers[1] < 60 && numbers[2] < 60
}
