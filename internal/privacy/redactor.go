package privacy

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/midwatch/midwatch/internal/llm"
)

// Config is what redaction of one investigation needs.
type Config struct {
	// Key keys the pseudonyms of an environment: EnvironmentKey. At least 16 bytes.
	Key []byte
	// Map keeps the pseudonyms of the investigation. Required; it grows with every text. What it holds is replaced wherever it
	// stands, not only where a pattern finds it.
	Map *Map
	// Known are names met elsewhere in the environment, which are replaced likewise. It may grow meanwhile. Optional.
	Known *Known
	// Hosts are host names of the environment that become pseudonyms even without a domain: nodes, machines.
	Hosts []string
	// Keep are names that never become pseudonyms: services, workloads, namespaces. It wins over everything but secrets.
	Keep []string
}

// Counts is how often what was removed or replaced: "secret:password", "ip", "email", "user", "host" → times.
type Counts map[string]int

// Redactor redacts what leaves. The same input gives the same bytes for as long as the same names are known; those that it
// holds itself are known from its first byte on. Safe for concurrent use.
type Redactor struct {
	key         []byte
	names       *Map
	elsewhere   *Known
	hosts, keep map[string]bool

	index struct {
		sync.Mutex
		of   int // how many names it was made from
		made *known
	}
}

// New checks a configuration.
func New(cfg Config) (*Redactor, error) {
	if len(cfg.Key) < 16 {
		return nil, errors.New("redact: the key of the environment's pseudonyms has less than 16 bytes")
	}
	if cfg.Map == nil {
		return nil, errors.New("redact: a map of pseudonyms is required")
	}
	elsewhere := NewKnown()
	if cfg.Known != nil {
		elsewhere = cfg.Known
	}
	return &Redactor{key: cfg.Key, names: cfg.Map, elsewhere: elsewhere, hosts: lowered(cfg.Hosts), keep: lowered(cfg.Keep)}, nil
}

func lowered(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[strings.ToLower(n)] = true
	}
	return m
}

// Request redacts a request. Tool results and whatever stands between fences is data: what looks like a pseudonym there
// becomes another one. Everything else is our words or the model's, whose pseudonyms are ours and stay.
func (r *Redactor) Request(q llm.Request) (llm.Request, Counts) {
	return redacted(r, func(w *work) llm.Request { return w.request(q) })
}

// Text redacts data: a log line, a document.
func (r *Redactor) Text(text string) (string, Counts) {
	return redacted(r, func(w *work) string { return w.data(text) })
}

// JSON redacts the strings of a JSON document, keys included, and keeps the rest byte by byte. What is not valid JSON
// comes back as a JSON string.
func (r *Redactor) JSON(doc json.RawMessage) (json.RawMessage, Counts) {
	return redacted(r, func(w *work) json.RawMessage { return w.json(doc, false) })
}

// maxRounds bounds how often something is redacted anew with the names that it taught: the second round knows all.
const maxRounds = 3

// redacted does something until it meets no name that it did not know when it began.
func redacted[T any](r *Redactor, do func(*work) T) (T, Counts) {
	for round := 1; ; round++ {
		before := r.names.Len()
		w := work{r: r, known: r.known(), counts: Counts{}}
		out := do(&w)
		if r.names.Len() == before || round == maxRounds {
			return out, w.counts
		}
	}
}

// known is the index of the investigation's names known by now.
func (r *Redactor) known() *known {
	r.index.Lock()
	defer r.index.Unlock()
	if n := r.names.Len(); r.index.made == nil || r.index.of != n {
		r.index.made, r.index.of = newKnown(r.names), n
	}
	return r.index.made
}

// work is one redaction under way.
type work struct {
	r      *Redactor
	known  *known
	counts Counts
}

func (w *work) request(q llm.Request) llm.Request {
	q.System = w.prompt(q.System)
	tools := make([]llm.Tool, len(q.Tools))
	for i, t := range q.Tools {
		t.Description = w.prompt(t.Description)
		t.Schema = w.json(t.Schema, true)
		tools[i] = t
	}
	if q.Tools != nil {
		q.Tools = tools
	}
	messages := make([]llm.Message, len(q.Messages))
	for i, m := range q.Messages {
		messages[i] = llm.Message{Role: m.Role, Parts: w.parts(m.Parts)}
	}
	if q.Messages != nil {
		q.Messages = messages
	}
	return q
}

func (w *work) parts(parts []llm.Part) []llm.Part {
	out := make([]llm.Part, len(parts))
	for i, p := range parts {
		p.Text = w.prompt(p.Text)
		if p.ToolUse != nil {
			use := *p.ToolUse
			use.Arguments = w.json(use.Arguments, true)
			p.ToolUse = &use
		}
		if p.ToolResult != nil {
			result := *p.ToolResult
			result.Text = w.data(result.Text)
			p.ToolResult = &result
		}
		out[i] = p
	}
	return out
}

// prompt redacts our words, and the data that is fenced in them.
func (w *work) prompt(text string) string {
	return eachFence(text, func(own string) string { return w.text(own, true) }, w.document)
}

// data redacts what telemetry says, fenced or not.
func (w *work) data(text string) string {
	return eachFence(text, w.document, w.document)
}

// document redacts JSON as JSON and everything else as text.
func (w *work) document(text string) string {
	if trimmed := strings.TrimSpace(text); structured(trimmed) {
		return w.strings(text, false, 0)
	}
	return w.text(text, false)
}

func structured(text string) bool {
	return len(text) > 1 && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text))
}

func (w *work) json(doc json.RawMessage, own bool) json.RawMessage {
	switch {
	case len(doc) == 0:
		return doc
	case json.Valid(doc):
		return json.RawMessage(w.strings(string(doc), own, 0))
	}
	return encodeString(w.text(string(doc), own))
}

// strings redacts the strings of valid JSON, and the JSON that stands in them.
func (w *work) strings(doc string, own bool, depth int) string {
	return rewriteStrings(doc, func(text string, at place) string {
		if !at.isKey {
			if kind := secretAt(text, at); kind != "" {
				w.counts["secret:"+kind]++
				return placeholderFor(kind)
			}
			if userAt(text, at) && (!own || !isPseudonym(text)) {
				return w.name(KindUser, text)
			}
		}
		if depth < maxDepth && structured(strings.TrimSpace(text)) {
			return w.strings(text, own, depth+1)
		}
		return w.text(text, own)
	})
}

// secretAt tells the kind of secret that a string is by where it stands.
func secretAt(text string, at place) string {
	name := at.key
	if squash(name) == "value" || squash(name) == "stringvalue" {
		name = at.name
	}
	if strings.HasPrefix(at.before, "-") && strings.IndexByte(at.before, '=') < 0 {
		name = at.before
	}
	if placeholder(text) {
		return ""
	}
	switch nameOf(name) {
	case certain:
		if workingDirectory(name, text) {
			return ""
		}
		return kindOf(name)
	case wholeLine:
		if naturalWord(text) {
			return ""
		}
		return kindOf(name)
	case maybe:
		if looksSecret(name, text) || random(text) {
			return kindOf(name)
		}
	}
	return ""
}

// userAt tells whether a string is the name of a user by where it stands.
func userAt(text string, at place) bool {
	return nameOf(at.key) == userName && personal(text) && userEnd(text, 0) == len(text)
}

// text redacts text that is no JSON.
func (w *work) text(text string, own bool) string {
	s := scanner{text: text, hosts: w.r.hosts, keep: w.r.keep, own: own}
	found := united(s.scan(), w.names(text, own))
	if len(found) == 0 {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	copied := 0
	for _, f := range found {
		out.WriteString(text[copied:f.from])
		if f.secret {
			w.counts["secret:"+f.kind]++
			out.WriteString(placeholderFor(f.kind))
		} else {
			out.WriteString(w.name(f.kind, text[f.from:f.to]))
		}
		copied = f.to
	}
	out.WriteString(text[copied:])
	return out.String()
}

// names finds what is known already.
func (w *work) names(text string, own bool) []finding {
	w.r.elsewhere.mu.RLock()
	defer w.r.elsewhere.mu.RUnlock()
	return find(text, own, w.r.keep, w.known, w.r.elsewhere.index)
}

func (w *work) name(kind, original string) string {
	if w.r.keep[strings.ToLower(original)] {
		return original
	}
	w.counts[kind]++
	return w.r.names.name(w.r.key, kind, original)
}

func placeholderFor(kind string) string { return "[secret:" + kind + "]" }
