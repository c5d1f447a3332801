package wire

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A call that is given up takes its connection with it, also while that is still being made.
func TestAConnectionEndsWithItsCall(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word of the handshake
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+mute.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		answer, err := Client(nil).Do(r)
		if err == nil {
			err = answer.Body.Close()
		}
		done <- err
	}()
	conn, err := mute.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	giveUp()
	if err := <-done; err == nil {
		t.Error("a call without an answer did not fail")
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil { // the handshake would take ten
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("the connection outlived its call: %v", err)
	}
}
