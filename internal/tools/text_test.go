package tools

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIndexed(t *testing.T) {
	for text, want := range map[string][2][]string{
		"":                                 {},
		"timeout":                          {}, // may be a part of "timeouts"
		"Connection pool IS exhausted!":    {{"pool", "exhausted"}, nil},
		"a bad gateway":                    {{"bad"}, nil},
		" oom-killed ":                     {{"oom", "killed"}, nil},
		"é naïve é":                        {nil, nil},
		"x http2server y":                  {{"http", "server"}, nil},
		"id=0A1b2c3d4e5f, no":              {nil, {"0a1b2c", "a1b2c3", "1b2c3d", "b2c3d4", "2c3d4e", "c3d4e5", "3d4e5f"}},
		"0a1b2c3d4e5":                      {},
		"user=47110 of tenant acme logged": {{"tenant", "acme"}, nil},
	} {
		words, grams := indexed(text)
		if diff := cmp.Diff(want, [2][]string{words, grams}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
