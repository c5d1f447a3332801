package receive

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const (
	// maxReceiving is how many requests of senders with tokens are received over gRPC at a time: each may have maxMessage bytes as it came and again
	// as one piece before anybody can count them. receivedAhead of that is taken of the budget beforehand.
	maxReceiving  = 6
	receivedAhead = 4 << 20
	// ownReceiving is how many of one token, whose other streams wait: if they bring nothing, that is its own loss.
	ownReceiving = 3
	// maxWaiting is how many of one token wait for a place, those that have one included: of each some comes before anybody reads.
	maxWaiting = 64
	// partsReceiving is how many of parts of the installation, which no token can keep from sending.
	partsReceiving = 4
)

// places bound how many requests are received at a time.
type places struct{ parts, tokens chan struct{} }

func newPlaces() places {
	return places{parts: make(chan struct{}, max(partsReceiving, runtime.GOMAXPROCS(0))), tokens: make(chan struct{}, maxReceiving)}
}

// placeTimeout is how long one may wait for a place: half of the ten seconds after which exporters give up, and do not say that they did.
const placeTimeout = 5 * time.Second

// wait waits no longer than that for a place for a sender, if no more of its own wait than may. The error wraps ErrOverload or is ctx's.
func (p places) wait(ctx context.Context, from *Sender, most time.Duration) (leave func(), err error) {
	stop, err := from.pace.enter()
	if err != nil {
		return nil, err
	}
	soon, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	free, err := p.take(soon, from)
	switch {
	case err == nil:
		return func() { free(); stop() }, nil
	case ctx.Err() == nil:
		err = fmt.Errorf("%w: the request could not be received within %s", ErrOverload, most)
	}
	stop()
	return nil, err
}

// take waits for a place for a sender. The error is ctx's.
func (p places) take(ctx context.Context, from *Sender) (leave func(), err error) {
	own, of := (chan struct{})(nil), p.parts
	if !from.part() {
		own, of = from.pace.receiving, p.tokens
	}
	if own != nil {
		select {
		case own <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	free := func() {
		if own != nil {
			<-own
		}
	}
	select {
	case of <- struct{}{}:
		return func() { <-of; free() }, nil
	case <-ctx.Done():
		free()
		return nil, ctx.Err()
	}
}
