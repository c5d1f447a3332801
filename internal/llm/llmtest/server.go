package llmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// Key is the API key that the servers of Anthropic's and OpenAI's kind accept.
const Key = "llmtest-key-which-opens-nothing"

// maxBody is Anthropic's limit for a request; the others' are of that order.
const maxBody = 32 << 20

// dialect is a vendor's protocol.
type dialect interface {
	kind() string
	// accepts refuses what has no right to ask.
	accepts(r *http.Request, body []byte) error
	// decode reads a request and where its cache points are.
	decode(r *http.Request, body []byte) (llm.Request, []string, error)
	// frames are an answer, piece by piece.
	frames(c Call, a Answer) [][]byte
	contentType() string
	// failure is the status and the body of an error, with headers it may set.
	failure(kind llm.Kind, message string, header http.Header) (status int, body string)
	// interrupt is an error in the middle of a stream.
	interrupt(kind llm.Kind) []byte
}

// Server is a provider on loopback.
type Server struct {
	script   Script
	dialect  dialect
	listener net.Listener
	http     http.Server
	done     chan struct{}
	close    sync.Once

	state struct {
		sync.Mutex
		calls   []Call
		told    int // answers that were sent to their end
		closed  int // connections the client closed before it had its answer
		refused int // requests that never reached the script
		opened  int // connections ever
		open    int // and now
	}
}

// Anthropic serves Anthropic's Messages API on a free port of loopback.
func Anthropic(s Script) (*Server, error) { return Listen(llm.KindAnthropic, "127.0.0.1:0", s) }

// OpenAI serves OpenAI's Chat Completions API on a free port of loopback.
func OpenAI(s Script) (*Server, error) { return Listen(llm.KindOpenAI, "127.0.0.1:0", s) }

// Bedrock serves Amazon Bedrock's ConverseStream, and the AssumeRole of its token service, on a free port of loopback.
func Bedrock(s Script) (*Server, error) { return Listen(llm.KindBedrock, "127.0.0.1:0", s) }

// Listen serves the protocol of a kind of provider (llm.KindAnthropic and its like) at an address until Close.
func Listen(kind, address string, s Script) (*Server, error) {
	known := map[string]dialect{llm.KindAnthropic: anthropic{}, llm.KindOpenAI: openai{}, llm.KindBedrock: bedrock{}}
	if known[kind] == nil {
		return nil, fmt.Errorf("no model provider is of kind %q", kind)
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // closed by Close
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", kind, err)
	}
	server := &Server{script: s, dialect: known[kind], listener: listener, done: make(chan struct{})}
	server.http = http.Server{Handler: http.HandlerFunc(server.serve), ConnState: server.connection, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.http.Serve(listener) }()
	return server, nil
}

// Close ends all connections. It may be called again.
func (s *Server) Close() {
	s.close.Do(func() {
		close(s.done)
		_ = s.http.Close()
	})
}

// URL is what a provider's base_url must be.
func (s *Server) URL() string {
	if s.dialect.kind() == llm.KindOpenAI {
		return "http://" + s.listener.Addr().String() + "/v1"
	}
	return "http://" + s.listener.Addr().String()
}

// Entry is a configuration entry for this server. Its key file is written into dir.
func (s *Server) Entry(dir string) (llm.ProviderConfig, error) {
	cfg := llm.ProviderConfig{
		Name: s.dialect.kind() + "-test", Kind: s.dialect.kind(), Account: "scripted", Model: "scripted-1",
		Terms: "nothing is kept and nothing is trained", BaseURL: s.URL(), KeyFile: filepath.Join(dir, s.dialect.kind()+".key"),
		Price: llm.Price{Input: 3, Output: 15, CacheRead: 0.3, CacheWrite: 3.75},
	}
	key := Key
	if cfg.Kind == llm.KindBedrock {
		cfg.Region, cfg.Model = Region, "anthropic.claude-sonnet-4-scripted-v1:0"
		key = fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", AccessKey, SecretKey)
	}
	if err := os.WriteFile(cfg.KeyFile, []byte(key+"\n"), 0o600); err != nil {
		return cfg, fmt.Errorf("write key of the scripted provider: %w", err)
	}
	return cfg, nil
}

// Calls are the requests that reached the script, in order.
func (s *Server) Calls() []Call {
	s.state.Lock()
	defer s.state.Unlock()
	return slices.Clone(s.state.calls)
}

// Count is how many requests reached the script.
func (s *Server) Count() int {
	s.state.Lock()
	defer s.state.Unlock()
	return len(s.state.calls)
}

// Told is how many answers were sent to their end.
func (s *Server) Told() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.told
}

// Refused is how many requests did not.
func (s *Server) Refused() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.refused
}

// Closed is how many connections the client closed before it had its answer.
func (s *Server) Closed() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.closed
}

// Connections is how many connections there were, and how many are open.
func (s *Server) Connections() (ever, now int) {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.opened, s.state.open
}

func (s *Server) connection(_ net.Conn, state http.ConnState) {
	s.state.Lock()
	defer s.state.Unlock()
	switch state {
	case http.StateNew:
		s.state.opened++
		s.state.open++
	case http.StateClosed, http.StateHijacked:
		s.state.open--
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.refuse(w, llm.Invalid, "request body: "+err.Error())
		return
	}
	if err := s.dialect.accepts(r, body); err != nil {
		s.refuse(w, llm.Denied, err.Error())
		return
	}
	if s.dialect.kind() == llm.KindBedrock && r.URL.Path == "/" {
		assumeRole(w, body)
		return
	}
	request, cached, err := s.dialect.decode(r, body)
	if err == nil {
		err = check(request)
	}
	if err != nil {
		s.refuse(w, llm.Invalid, err.Error())
		return
	}
	s.state.Lock()
	call := Call{Number: len(s.state.calls) + 1, Request: request, Header: r.Header.Clone(), Body: body, Cached: cached}
	s.state.calls = append(s.state.calls, call)
	s.state.Unlock()
	s.answer(w, r, call, s.script(call))
}

func (s *Server) refuse(w http.ResponseWriter, kind llm.Kind, message string) {
	s.state.Lock()
	s.state.refused++
	s.state.Unlock()
	s.fail(w, Failure{Kind: kind}, message)
}

func (s *Server) fail(w http.ResponseWriter, f Failure, message string) {
	w.Header().Set("Content-Type", "application/json")
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
		if s.dialect.kind() == llm.KindOpenAI {
			w.Header().Set("Retry-After-Ms", strconv.FormatInt(f.RetryAfter.Milliseconds(), 10))
		}
	}
	status, body := s.dialect.failure(f.Kind, message, w.Header())
	if f.Status != 0 {
		status = f.Status
	}
	if f.Body != "" {
		body = f.Body
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, c Call, a Answer) {
	if a.Silent || !s.pause(r, a.Delay) {
		s.hang(r)
		return
	}
	if a.Failure != nil && !a.Failure.InStream {
		s.fail(w, *a.Failure, "")
		return
	}
	if a.Redirect != "" {
		http.Redirect(w, r, a.Redirect, http.StatusTemporaryRedirect)
		return
	}
	a.Tools = slices.Clone(a.Tools) // a script may give the same answer again
	for i := range a.Tools {
		if a.Tools[i].ID == "" {
			a.Tools[i].ID = fmt.Sprintf("call_%d_%d", c.Number, i)
		}
	}
	id := fmt.Sprintf("req_%d", c.Number)
	for _, name := range []string{"Request-Id", "X-Request-Id", "X-Amzn-Requestid"} {
		w.Header().Set(name, id)
	}
	w.Header().Set("Content-Type", s.dialect.contentType())
	if a.Raw != nil {
		if a.Type != "" {
			w.Header().Set("Content-Type", a.Type)
		}
		_, _ = w.Write(a.Raw)
		return
	}
	s.stream(w, r, a, s.dialect.frames(c, a))
}

// stream sends frames one by one. Half of an answer is all frames up to the middle, and half of that one.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, a Answer, frames [][]byte) {
	flush := http.NewResponseController(w).Flush
	send := func(frame []byte) bool {
		_, err := w.Write(frame)
		return errors.Join(err, flush()) == nil && r.Context().Err() == nil
	}
	middle := len(frames) / 2
	for i, frame := range frames {
		switch {
		case a.Hang && i == 1:
			s.hang(r)
			return
		case a.Cut && i == middle:
			send(frame[:len(frame)/2])
			panic(http.ErrAbortHandler)
		case a.Failure != nil && i == middle:
			send(s.dialect.interrupt(a.Failure.Kind))
			return
		}
		if !send(frame) {
			s.left()
			return
		}
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.state.told++
}

// hang keeps a connection until its client closes it.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
		s.left()
	case <-s.done:
	}
}

func (s *Server) left() {
	s.state.Lock()
	defer s.state.Unlock()
	s.state.closed++
}

func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	select {
	case <-r.Context().Done():
		return false
	case <-s.done:
		return false
	case <-time.After(d):
		return true
	}
}

// strict reads exactly the documented fields.
func strict(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("request body: more than one JSON value")
	}
	return nil
}

// object writes JSON of our own making.
func object(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil { // strings, numbers, maps and lists of them
		panic(err)
	}
	return raw
}
