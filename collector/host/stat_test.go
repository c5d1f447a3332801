package host

import "testing"

func TestParseBrief(t *testing.T) {
	const rest = " 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3\n"
	for in, want := range map[string]brief{
		"7 (cat) R" + rest:                                          {'R', 98765},
		"7 (a) Z 1 2 (b c) S" + rest:                                {'S', 98765}, // a name that imitates the rest
		"7 (cat) R 1 7 7 0 -1 4194560":                              {},
		"7 (cat) R 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 x 1": {},
		"7 (cat)":  {},
		"7 (cat) ": {},
		"":         {},
	} {
		got, ok := parseBrief([]byte(in))
		if ok != (want != brief{}) || ok && got != want {
			t.Errorf("%q: %+v, %v; want %+v", in, got, ok, want)
		}
	}
}
