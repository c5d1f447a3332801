package ingest

import (
	"fmt"
	"testing"
	"time"
)

func TestFatesForgetInOrder(t *testing.T) {
	start := time.Now()
	f := newFates(start)
	later := start.Add(2 * warmUp)
	if was, _ := f.begin("early", start, false); was.is != unknown {
		t.Error("a request just after the start is not looked up")
	}
	f.end("early", stored, start)
	if was, wait := f.begin("doubt", later, false); was.is != unseen || wait != nil {
		t.Error("a new request is not new")
	}
	if _, wait := f.begin("doubt", later, false); wait == nil {
		t.Error("a request in flight was given out twice")
	}
	f.end("doubt", unknown, later)
	if was, _ := f.begin("early", later, false); was.is != stored {
		t.Error("a stored request was forgotten")
	}
	f.end("early", stored, later)
	for i := range maxFates + 1 {
		id := fmt.Sprint(i)
		f.begin(id, later, false)
		f.end(id, stored, later)
	}
	if len(f.known) != maxFates || len(f.order) != maxFates {
		t.Errorf("%d remembered", len(f.known))
	}
	if was, _ := f.begin("doubt", later, false); was.is != unknown {
		t.Error("a doubtful request was forgotten and looks new")
	}
}

// TestTheSameContentIsAnotherRequestSoon if it names neither itself nor a time; what became of it is not forgotten while that is open.
func TestTheSameContentIsAnotherRequestSoon(t *testing.T) {
	start := time.Now()
	f := newFates(start.Add(-time.Hour))
	ask := func(id string, after time.Duration, fleeting bool, end fate) seen {
		t.Helper()
		was, wait := f.begin(id, start.Add(after), fleeting)
		if wait != nil {
			t.Fatal("it is in flight")
		}
		f.end(id, end, start.Add(after))
		return was
	}
	ask("beat", 0, true, stored)
	if was := ask("beat", timeless, true, stored); was.is != stored {
		t.Errorf("what comes again soon is %d", was.is)
	}
	f.known["beat"] = seen{stored, start}
	f.refuse("beat", map[string]int{"logs": 1})
	if was := ask("beat", timeless+1, true, stored); was.is != unseen {
		t.Errorf("what comes again later is %d", was.is)
	}
	if refused := f.refused("beat"); refused != nil {
		t.Errorf("of another request %v was refused", refused)
	}
	ask("named", 0, false, stored)
	if was := ask("named", time.Hour, false, stored); was.is != stored {
		t.Errorf("what has an id is %d", was.is)
	}
	ask("open", 0, true, unknown)
	ask("open", 10*time.Minute, true, unknown)
	if was := ask("open", 20*time.Minute, true, stored); was.is != unknown || !was.at.Equal(start) {
		t.Errorf("what may be stored is %d, since %s", was.is, was.at.Sub(start))
	}
}
