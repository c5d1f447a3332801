package server

import (
	"net"
	"testing"
	"time"
)

// TestTheEndOfAQueryWaitsForNoAnswer ends a query while it is asked how far it is, of an asker that has too much to do.
func TestTheEndOfAQueryWaitsForNoAnswer(t *testing.T) {
	client, conn := net.Pipe()
	defer client.Close()
	defer conn.Close()
	s := &Server{asker: asker{wake: make(chan struct{}, 1)}} // nobody runs it
	x := s.newSession(conn, "session-1")
	stop := x.watch()
	for deadline := time.Now().Add(time.Minute); len(s.asker.wake) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody asks")
		}
	}
	stopped := make(chan bool)
	go func() { stopped <- stop() }()
	select {
	case cancelled := <-stopped:
		if cancelled {
			t.Error("nobody cancelled it")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the end of a query waits for how far it is")
	}
}
