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
	if is, _ := f.begin("early", start); is != unknown {
		t.Error("a request just after the start is not looked up")
	}
	f.end("early", stored, start)
	if is, wait := f.begin("doubt", later); is != unseen || wait != nil {
		t.Error("a new request is not new")
	}
	if _, wait := f.begin("doubt", later); wait == nil {
		t.Error("a request in flight was given out twice")
	}
	f.end("doubt", unknown, later)
	if is, _ := f.begin("early", later); is != stored {
		t.Error("a stored request was forgotten")
	}
	f.end("early", stored, later)
	for i := range maxFates + 1 {
		id := fmt.Sprint(i)
		f.begin(id, later)
		f.end(id, stored, later)
	}
	if len(f.known) != maxFates || len(f.order) != maxFates {
		t.Errorf("%d remembered", len(f.known))
	}
	if is, _ := f.begin("doubt", later); is != unknown {
		t.Error("a doubtful request was forgotten and looks new")
	}
}
