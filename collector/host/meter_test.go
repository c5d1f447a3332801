package host

import "testing"

func TestHeaviest(t *testing.T) {
	counts := map[int]int{}
	for i := range 3 * maxRemotes {
		counts[i] = i + 1
	}
	kept, rest := heaviest(counts)
	if len(kept) != maxRemotes || kept[3*maxRemotes-1] != 3*maxRemotes || kept[2*maxRemotes] != 2*maxRemotes+1 {
		t.Errorf("kept %d peers: %v", len(kept), kept)
	}
	for _, n := range kept {
		rest += n
	}
	if want := 3 * maxRemotes * (3*maxRemotes + 1) / 2; rest != want {
		t.Errorf("%d connections in all, want %d", rest, want)
	}
	if kept, rest := heaviest(map[int]int{1: 5}); len(kept) != 1 || rest != 0 {
		t.Errorf("a few peers became %v and %d", kept, rest)
	}
}
