package memcached

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const (
	maxLine = 8 << 10 // a get of hundreds of keys has as much
	maxKey  = 250     // what Memcached accepts
	maxData = 1 << 30
)

// shape is what follows a command's name on its line.
type shape int

const (
	none    shape = iota // nothing that matters: version, stats
	keyed                // a key
	storing              // a key, and then data, whose length is the third number after it
	meta                 // a key, and flags
	metaSet              // a key, the length of the data, and flags
)

// commands are those of the text protocol that are answered, each once.
func commands() map[string]shape {
	return map[string]shape{
		"get": keyed, "gets": keyed, "gat": keyed, "gats": keyed, "delete": keyed, "incr": keyed, "decr": keyed, "touch": keyed,
		"set": storing, "add": storing, "replace": storing, "append": storing, "prepend": storing, "cas": storing,
		"mg": meta, "md": meta, "ma": meta, "me": meta, "ms": metaSet,
		"mn": none, "version": none, "stats": none, "flush_all": none, "verbosity": none, "cache_memlimit": none,
	}
}

var known = commands()

// command is one of the text protocol.
type command struct {
	name, key string
	size      int64 // with its line, and its data
	noReply   bool
	ends      bool // answers do not follow it
}

// readCommand reads a command by its line, without the line's end. ok is false if it is none.
func readCommand(line []byte) (c command, ok bool) {
	words := bytes.Fields(line[:min(len(line), maxLine)])
	if len(words) == 0 {
		return c, false
	}
	c = command{name: string(words[0][:min(len(words[0]), len("cache_memlimit"))])}
	form, ok := known[c.name]
	if !ok {
		c.noReply = true
		return c, c.name == "quit" && len(words) == 1
	}
	rest := words[1:]
	c.noReply = len(rest) > 0 && string(rest[len(rest)-1]) == "noreply"
	if form == none {
		return c, true
	}
	if c.name == "gat" || c.name == "gats" { // the key comes after a time
		rest = rest[min(1, len(rest)):]
	}
	if len(rest) == 0 || !isKey(rest[0]) {
		return c, false
	}
	c.key = string(rest[0])
	return c, c.takes(form, rest[1:])
}

// takes reads what follows the key.
func (c *command) takes(form shape, rest [][]byte) bool {
	at := -1 // of the length of the data
	switch form {
	case storing:
		at = 2
	case metaSet:
		at = 0
	}
	if form == meta || form == metaSet {
		c.ends = slices.ContainsFunc(rest[min(at+1, len(rest)):], func(flag []byte) bool { return string(flag) == "q" })
	}
	if at < 0 {
		return true
	}
	if len(rest) <= at {
		return false
	}
	n, err := strconv.Atoi(string(rest[at]))
	if err != nil || n < 0 || n > maxData {
		return false
	}
	c.size = int64(n) + 2
	return true
}

func isKey(b []byte) bool {
	return len(b) <= maxKey && !slices.ContainsFunc(b, func(c byte) bool { return c <= ' ' || c == 0x7f })
}

// call is what a command is told as until it is answered.
func (c command) call() protocol.Call {
	call := protocol.Call{Protocol: protocol.Memcached, Operation: c.name, Query: c.name, RequestBytes: c.size}
	if c.key != "" {
		call.Query += " " + template.Key(c.key)
	}
	if c.noReply {
		call.Kind = protocol.Sent
	}
	return call
}
