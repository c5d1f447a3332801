package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// model is a scripted provider that notes what reaches it and can hold its answer.
type model struct {
	*llmtest.Server
	script llmtest.Script

	mu    sync.Mutex
	asked []asked
	holds map[place]*hold
}

// place is a model call as the provider sees it.
type place struct {
	run  string
	turn int // from 1
}

// asked is a request that reached the provider.
type asked struct {
	place
	at time.Time
}

// hold is an answer that waits.
type hold struct {
	arrived chan struct{} // closed when the request is here
	once    sync.Once
	free    chan struct{} // closed when it may be answered
	freed   sync.Once
}

func (h *hold) release() { h.freed.Do(func() { close(h.free) }) }

func newModel(fault judge.Fault) (*model, error) {
	m := &model{script: demo.Script(fault), holds: map[place]*hold{}}
	server, err := llmtest.Anthropic(m.answer)
	m.Server = server
	return m, err
}

// runName is how a prompt says which run it belongs to: the service of its trigger.
var runName = regexp.MustCompile(`storefront-[0-9a-z]+`)

func (m *model) answer(c llmtest.Call) llmtest.Answer {
	at := place{runName.FindString(string(c.Body)), 1}
	for _, message := range c.Request.Messages {
		if message.Role == llm.Assistant {
			at.turn++
		}
	}
	m.mu.Lock()
	m.asked = append(m.asked, asked{at, time.Now()})
	h := m.holds[at]
	m.mu.Unlock()
	if h != nil {
		h.once.Do(func() { close(h.arrived) })
		<-h.free
	}
	a := m.script(c)
	for i := range a.Tools {
		a.Tools[i].Arguments = named(a.Tools[i].Arguments, at.run)
	}
	return a
}

// named gives a proposed fix the name of its run, so that its content is like no other's.
func named(arguments, run string) string {
	var report map[string]any
	if json.Unmarshal([]byte(arguments), &report) != nil {
		return arguments
	}
	fix, ok := report["fix"].(map[string]any)
	if !ok {
		return arguments
	}
	if parameters, ok := fix["parameters"].(map[string]any); ok {
		parameters["run"] = identifier(run)
	}
	b, _ := json.Marshal(report) // it came from JSON
	return string(b)
}

// identifier is a run's name as an action's parameter: an identifier in the sense of SQL.
func identifier(run string) string { return regexp.MustCompile(`-`).ReplaceAllString(run, "_") }

// hold makes the answer to a run's turn wait until it is released.
func (m *model) hold(run string, turn int) *hold {
	h := &hold{arrived: make(chan struct{}), free: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holds[place{run, turn}] = h
	return h
}

// of returns the requests of a run, turn by turn.
func (m *model) of(run string) map[int][]asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[int][]asked{}
	for _, a := range m.asked {
		if a.run == run {
			out[a.turn] = append(out[a.turn], a)
		}
	}
	return out
}

func (p place) String() string { return fmt.Sprintf("%s, turn %d", p.run, p.turn) }
