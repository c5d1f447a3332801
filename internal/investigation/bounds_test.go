package investigation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/investigation"
)

func TestBoundedTrigger(t *testing.T) {
	small := investigation.Trigger{ID: "a", Service: "till", Summary: "fails", Peers: []string{"cart"}, Attributes: map[string]string{"k": "v"}}
	if diff := cmp.Diff(small, small.Bounded()); diff != "" {
		t.Errorf("a small one changed:\n%s", diff)
	}
	for name, letter := range map[string]string{"plain": "x", "escaped": "<", "long runes": "—", "broken": "\xff"} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(letter, 9000)
			big := investigation.Trigger{ID: "a", Rule: text, Service: text, Summary: text, Attributes: map[string]string{}}
			for n := range 200 {
				big.Peers = append(big.Peers, text)
				big.Attributes[fmt.Sprint(n)+text] = text
			}
			got := big.Bounded()
			b, err := json.Marshal(got)
			if n := got.Size(); err != nil || n > investigation.MaxTrigger || n < 1000 || len(b) > n || len(b) < n-400 {
				t.Errorf("%d bytes, taken for %d", len(b), n)
			}
			if got.ID != "a" || got.Service == "" || len(got.Peers) == 0 || letter != "\xff" && !utf8.ValidString(got.Summary) {
				t.Errorf("%+v", got)
			}
			if len(big.Peers[0]) != 9000*len(letter) || len(big.Attributes) != 200 {
				t.Error("the original changed")
			}
		})
	}
}
