package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// maxReceiving is how many requests are received over gRPC at a time: each may have maxMessage bytes as it came and again unpacked before
	// anybody can count them.
	maxReceiving = 16
	// receiveTimeout is how long one may keep such a place. Exporters give up earlier.
	receiveTimeout = 10 * time.Second
	// maxUnpacking is how many bodies are unpacked at a time over HTTP. A decoder keeps up to 8 MiB.
	maxUnpacking = 4
)

// received is what came on a stream.
type received struct {
	body raw
	hold *hold
	err  error
}

// receive reads the one message of a stream. Its errors are gRPC's or wrap ErrOverload.
func (s *Server) receive(stream grpc.ServerStream) (raw, *hold, error) {
	ctx := stream.Context()
	select {
	case s.receiving <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, status.FromContextError(ctx.Err()).Err()
	}
	came, gone := make(chan received), make(chan struct{})
	defer close(gone)
	go func() {
		defer func() { <-s.receiving }()
		in := received{hold: s.memory.hold()}
		if in.err = stream.RecvMsg(&in.body); in.err == nil && !in.hold.grow(len(in.body)) {
			in.err = s.errFull()
		}
		select {
		case came <- in:
		case <-gone: // the stream is over, which is what ended RecvMsg
			in.hold.release()
		}
	}()
	slow := time.NewTimer(s.receiveTimeout)
	defer slow.Stop()
	select {
	case in := <-came:
		return in.body, in.hold, in.err
	case <-slow.C:
		return nil, nil, status.Errorf(codes.DeadlineExceeded, "the request did not come within %s", s.receiveTimeout)
	}
}

// readBody reads a body of at most maxMessage bytes, packed or not. It is unpacked when all of it is there, so that a slow sender keeps no
// decoder. Its errors wrap ErrMalformed or ErrOverload.
func (s *Server) readBody(r *http.Request, h *hold) ([]byte, error) {
	packed, err := s.readAll(r.Body, r, h, 0)
	encoding := r.Header.Get("Content-Encoding")
	if err != nil || encoding == "" || encoding == "identity" {
		return packed, err
	}
	select {
	case s.unpacking <- struct{}{}:
		defer func() { <-s.unpacking }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	in, err := s.readers.New(encoding, bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Encoding: %w", ErrMalformed, err)
	}
	defer in.Close()
	return s.readAll(in, r, h, len(packed))
}

// readAll reads at most maxMessage bytes of what is made of a request's body, and takes memory as it goes, besides what is held already.
func (s *Server) readAll(in io.Reader, r *http.Request, h *hold, held int) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(512, 2*cap(body)), maxMessage+1)
			if !h.grow(held + size) {
				discard(r.Body)
				return nil, s.errFull()
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxMessage:
			discard(r.Body)
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("%w: read body: %w", ErrMalformed, err)
		}
	}
}
