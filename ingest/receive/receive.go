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
	leave, err := s.receiving.take(stream.Context(), from)
	if err != nil {
		return nil, nil, status.FromContextError(err).Err()
	}
	held := s.cfg.Memory.Hold()
	if !from.part() && !held.Grow(receivedAhead) {
		leave()
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
	packed, err := s.readAll(r.Body, r, from, h, 0)
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
	return s.readAll(in, r, from, h, len(packed))
}

// readAll reads at most maxMessage bytes of what is made of a request's body, and takes memory as it goes, besides what is held already.
func (s *Server) readAll(in io.Reader, r *http.Request, from *Sender, h *Hold, held int) (_ []byte, err error) {
	var body []byte
	defer func() {
		if err != nil {
			from.pace.read(len(body), time.Now())
		}
	}()
	for {
		if len(body) == cap(body) {
			size := min(max(512, 2*cap(body)), maxMessage+1)
			if !h.Grow(held + size) {
				from.pace.read(discard(r.Body), time.Now())
				return nil, s.cfg.Memory.ErrFull()
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxMessage:
			from.pace.read(discard(r.Body), time.Now())
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("%w: read body: %w", otlp.ErrMalformed, err)
		}
	}
}
