package main

import (
	"context"
	"testing"
)

type runs func(ctx context.Context) error

func (r runs) Run(ctx context.Context) error { return r(ctx) }

// What a part says as it stops is said to one that still runs.
func TestBeforeStopsTheSecondLast(t *testing.T) {
	said, heard := make(chan string), ""
	first := runs(func(ctx context.Context) error {
		<-ctx.Done()
		said <- "the last word"
		return nil
	})
	second := runs(func(ctx context.Context) error {
		select {
		case heard = <-said:
		case <-ctx.Done():
			<-said
		}
		<-ctx.Done()
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (before{first, second}).Run(ctx); err != nil || heard != "the last word" {
		t.Errorf("heard %q, %v", heard, err)
	}
}

func TestBeforeEndsWithEither(t *testing.T) {
	waits := runs(func(ctx context.Context) error { <-ctx.Done(); return nil })
	fails := runs(func(context.Context) error { return context.DeadlineExceeded })
	for _, b := range []before{{waits, fails}, {fails, waits}} {
		if err := b.Run(t.Context()); err == nil {
			t.Error("an error was lost")
		}
	}
}
