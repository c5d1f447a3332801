package cassandra

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Flags of a statement's parameters, of which only what leads to the keyspace matters.
const (
	withValues        = 0x01
	withPageSize      = 0x04
	withPagingState   = 0x08
	withSerial        = 0x10
	withTimestamp     = 0x20
	withNames         = 0x40
	withKeyspace      = 0x80
	prepareInKeyspace = 0x01
)

// Bounds of what is told of a batch.
const (
	maxBatched = 8 // different statements
	maxQuery   = 2048
)

// asked takes a request.
func (p *Parser) asked(f protocol.Frame) bool {
	h, ok := readHead(f.Bytes)
	if !ok {
		return false
	}
	c := protocol.Call{Protocol: protocol.Cassandra, Start: f.First, Offset: f.Offset, Operation: h.name(), Namespace: p.keyspace, RequestBytes: f.Size}
	delete(p.preparing, h.stream)
	if r := p.body(h, f); r != nil {
		if h.flags&flagPayload != 0 {
			c.TraceParent = traceParent(r)
		}
		p.read(&c, h, r)
	}
	if h.opcode == opStartup && h.version == 5 {
		if p.compression != "" && p.compression != "lz4" {
			return false
		}
		p.client.segmented(p.compression != "")
	}
	p.registered = p.registered || h.opcode == opRegister
	if a, ok := p.takeEarly(h.stream, c); ok {
		p.settle(h.stream, c, a)
		return true
	}
	return p.pending.Add(h.stream, c)
}

// read tells what a request asks for.
func (p *Parser) read(c *protocol.Call, h head, r *body) {
	switch h.opcode {
	case opStartup:
		r.stringMap(func(key, value string) {
			if key == "COMPRESSION" {
				p.compression = strings.ToLower(template.Cut(value, 16))
			}
		})
	case opQuery:
		describe(c, p.statement(r.text()))
		if h.version == 5 {
			r.short()
			keyspace(c, r)
		}
	case opPrepare:
		text := r.text()
		if h.version == 5 && r.int()&prepareInKeyspace != 0 {
			name(c, r)
		}
		st := p.statement(text)
		c.Query, c.Resource = st.Text, st.Table
		if !r.cut && len(p.preparing) < protocol.MaxPending {
			p.preparing[h.stream] = prepare(st, c.Namespace, text)
		}
	case opExecute:
		if st := p.executed(r.shortBytes()); st != nil {
			describe(c, st)
		}
	case opBatch:
		p.batch(c, r)
	}
}

func describe(c *protocol.Call, st *template.Statement) {
	c.Operation, c.Query, c.Resource, c.Summary = st.Operation, st.Text, st.Table, st.Summary
}

// keyspace reads version 5's parameters of a query for the keyspace that it is meant for.
func keyspace(c *protocol.Call, r *body) {
	flags := r.int()
	if flags&withKeyspace == 0 {
		return
	}
	if flags&withValues != 0 {
		r.values(flags&withNames != 0)
	}
	if flags&withPageSize != 0 {
		r.int()
	}
	if flags&withPagingState != 0 {
		r.value()
	}
	if flags&withSerial != 0 {
		r.short()
	}
	if flags&withTimestamp != 0 {
		r.take(8)
	}
	name(c, r)
}

func name(c *protocol.Call, r *body) {
	if b := r.shortBytes(); !r.cut {
		c.Namespace = template.Cut(string(b), maxKeyspace)
	}
}

// batch tells what a batch does, where all of it can be read; else only that it is one.
func (p *Parser) batch(c *protocol.Call, r *body) {
	r.byte()
	var texts, operations, tables []string
	for n := r.short(); n > 0; n-- {
		st := p.batched(r)
		if r.cut || st == nil {
			return
		}
		if len(texts) < maxBatched {
			texts = appendNew(texts, st.Text)
		}
		if len(operations) < 2 {
			operations = appendNew(operations, st.Operation)
		}
		if len(tables) < 2 {
			tables = appendNew(tables, st.Table)
		}
	}
	c.Query = template.Cut(strings.Join(texts, "; "), maxQuery)
	if len(operations) == 1 {
		c.Operation += " " + operations[0]
	}
	if len(tables) == 1 {
		c.Resource = tables[0]
	}
}

// batched is the next statement of a batch, nil if it is not known.
func (p *Parser) batched(r *body) (st *template.Statement) {
	switch r.byte() {
	case 0:
		if text := r.text(); !r.cut {
			st = p.statement(text)
		}
	case 1:
		st = p.executed(r.shortBytes())
	}
	r.values(false)
	return st
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// traceParent passes over a custom payload, and returns the W3C trace context that it may hold.
func traceParent(r *body) (found string) {
	for n := r.short(); n > 0 && !r.cut; n-- {
		key, value := r.shortBytes(), r.value()
		if string(key) == "traceparent" && len(value) == len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01") {
			found = template.Cut(string(value), len(value))
		}
	}
	return found
}
