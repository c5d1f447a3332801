package privacy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkText prints MB/s over log lines of which every tenth holds something to take.
func BenchmarkText(b *testing.B) {
	bench(b, mixed(b))
}

// BenchmarkKnown is BenchmarkText where thousands of names were met before.
func BenchmarkKnown(b *testing.B) {
	text := mixed(b)
	for _, n := range []int{100, 5000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := NewMap()
			for i := range n {
				m.name([]byte("0123456789abcdef"), KindUser, fmt.Sprintf("%s%d", strings.Repeat("xyzabc", i%3+1)[i%4:], i))
				m.name([]byte("0123456789abcdef"), KindIP, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)) // all begin with the same word
			}
			k := NewKnown()
			k.Add(m)
			benchWith(b, text, NewMap(), k)
		})
	}
}

// BenchmarkDense takes the lines that all hold something.
func BenchmarkDense(b *testing.B) {
	var text strings.Builder
	for _, line := range corpusLines(b, "positive") {
		line, _ = unmark(line)
		text.WriteString(line + "\n")
	}
	bench(b, strings.Repeat(text.String(), 8))
}

// BenchmarkHostile holds what could make a scanner go back and forth: its time must stay in line with its size.
func BenchmarkHostile(b *testing.B) {
	for name, unit := range map[string]string{
		"colons": "a:", "slashes": "://", "ats": "a@", "dots": "1.", "letters": "aB3", "percent": "%41", "quotes": `password="`,
		"dashes": "-----BEGIN ", "fences": "<data 12345678>\n", "base64": "YWJj", "paths": "a1B/", "backslashes": `\`, "users": "user ", "hex": "a:1:",
		"key": "key: ", "pseudonyms": "ip-1", "mail": "a.b@c.", "is": "password is ",
	} {
		b.Run(name, func(b *testing.B) { bench(b, strings.Repeat(unit, 200_000/len(unit))) })
	}
}

// BenchmarkJSON takes a tool result.
func BenchmarkJSON(b *testing.B) {
	rows := []map[string]any{}
	for i, line := range strings.Split(mixed(b), "\n") {
		rows = append(rows, map[string]any{"time": "2026-11-22T04:06:37Z", "service": "cart", "severity": "ERROR", "body": line, "n": i})
	}
	doc, err := json.Marshal(map[string]any{"rows": rows})
	if err != nil {
		b.Fatal(err)
	}
	bench(b, string(doc))
}

func bench(b *testing.B, text string) { benchWith(b, text, NewMap(), nil) }

func benchWith(b *testing.B, text string, m *Map, k *Known) {
	r, err := New(Config{Key: []byte("0123456789abcdef"), Map: m, Known: k, Hosts: []string{"db1"}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		w := work{r: r, known: r.known(), counts: Counts{}}
		w.data(text)
	}
	b.ReportMetric(float64(len(text)*b.N)/1e6/(processor(b)-before).Seconds(), "MB/cpu-s")
}

// processor is the CPU time of this process: wall time says little on a busy machine.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func mixed(b *testing.B) string {
	positive, negative := corpusLines(b, "positive"), corpusLines(b, "negative")
	var text strings.Builder
	for i := range 4000 {
		line := negative[i%len(negative)]
		if i%10 == 0 {
			line, _ = unmark(positive[i/10%len(positive)])
		}
		text.WriteString(line + "\n")
	}
	return text.String()
}
