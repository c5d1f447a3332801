package receive

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

	"github.com/midwatch/midwatch/ingest/otlp"
)

const (
	// receiveTimeout is how long one may keep its place. Exporters give up earlier.
	receiveTimeout = 10 * time.Second
	// maxUnpacking is how many bodies are unpacked at a time over HTTP. A decoder keeps up to 8 MiB.
	maxUnpacking = 4
)

// received is what came on a stream.
type received struct {
	body raw
	hold *Hold
	err  error
}

// receive reads the one message of a stream. Its errors are gRPC's or wrap ErrOverload.
func (s *Server) receive(stream grpc.ServerStream, from *Sender) (raw, *Hold, error) {
	held := s.cfg.Memory.Hold()
	if !from.part() && !held.Grow(streamWindow) { // what comes before anybody reads
		return nil, nil, s.cfg.Memory.ErrFull()
	}
	leave, err := s.receiving.wait(stream.Context(), from, s.placeTimeout)
	if err != nil {
		held.Release()
		if errors.Is(err, ErrOverload) {
			return nil, nil, err
		}
		return nil, nil, status.FromContextError(err).Err()
	}
	if !from.part() && !held.Grow(receivedAhead) {
		leave()
		held.Release()
		return nil, nil, s.cfg.Memory.ErrFull()
	}
	came, gone := make(chan received), make(chan struct{})
	defer close(gone)
	go func() {
		defer leave()
		in := received{hold: held}
		in.err = stream.RecvMsg(&in.body)
		from.pace.read(unread(in.err), time.Now())
		held.Shrink(len(in.body))
		if in.err == nil && !held.Grow(len(in.body)) {
			from.pace.read(len(in.body), time.Now())
			in.err = s.cfg.Memory.ErrFull()
		}
		if in.err != nil {
			held.Release()
		}
		select {
		case came <- in:
		case <-gone: // the stream is over, which is what ended RecvMsg
			in.hold.Release()
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

// unread is how many bytes a message costs its sender that gRPC read and could not give us: as many as it may have had.
func unread(err error) int {
	switch status.Code(err) {
	case codes.OK, codes.Canceled, codes.DeadlineExceeded:
		return 0
	}
	return maxMessage
}

// readBody reads a body of at most maxMessage bytes, packed or not. It is unpacked when all of it is there, so that a slow sender keeps no
// decoder. Its errors wrap otlp.ErrMalformed or ErrOverload; what was read all the same costs its sender as what is stored does.
func (s *Server) readBody(r *http.Request, from *Sender, h *Hold) (body []byte, err error) {
	packed, err := s.come(r, from, h)
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
	defer func() {
		if err != nil {
			from.pace.read(len(packed), time.Now())
		}
	}()
	in, err := s.readers.New(encoding, bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Encoding: %w", otlp.ErrMalformed, err)
	}
	defer in.Close()
	return readAll(in, from, func(n int) error { return s.grow(h, len(packed)+n) })
}

// come reads a request's body as it is on the wire. Until all of it is there it takes of the share of its sender's token, too. What is refused
// takes nothing any more while the rest of it comes.
func (s *Server) come(r *http.Request, from *Sender, h *Hold) ([]byte, error) {
	arrives := from.pace.arrives()
	defer arrives.Release()
	body, err := readAll(r.Body, from, func(n int) error {
		if !arrives.Grow(n) {
			return fmt.Errorf("%w: %d bytes of this token's requests are under way", ErrOverload, maxComing)
		}
		return s.grow(h, n)
	})
	if errors.Is(err, ErrOverload) || errors.Is(err, errTooLarge) {
		arrives.Release()
		h.Release()
		from.pace.read(discard(r.Body), time.Now())
	}
	return body, err
}

// grow makes a request's hold at least n bytes. The error wraps ErrOverload.
func (s *Server) grow(h *Hold, n int) error {
	if !h.Grow(n) {
		return s.cfg.Memory.ErrFull()
	}
	return nil
}

// readAll reads at most maxMessage bytes of what is made of a request's body, and asks for memory as it goes.
func readAll(in io.Reader, from *Sender, grow func(bytes int) error) (_ []byte, err error) {
	var body []byte
	defer func() {
		if err != nil {
			from.pace.read(len(body), time.Now())
		}
	}()
	for {
		if len(body) == cap(body) {
			size := min(max(512, 2*cap(body)), maxMessage+1)
			if err := grow(size); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxMessage:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("%w: read body: %w", otlp.ErrMalformed, err)
		}
	}
}
