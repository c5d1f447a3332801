package mongodb

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// onCollections are the commands whose first value is a collection. Of all others it may be a name of a user, or anything.
var onCollections = []string{
	"aggregate", "collMod", "collStats", "compact", "count", "create", "createIndexes", "delete", "distinct", "drop", "dropIndexes", "find", "findAndModify", "findandmodify", "insert",
	"listIndexes", "mapReduce", "mapreduce", "reIndex", "update", "validate",
}

// quiet are the commands by which clients get to know a server and log in. They are no calls, unless they fail.
var quiet = []string{
	"hello", "isMaster", "ismaster", "ping", "saslStart", "saslContinue", "authenticate", "getnonce", "logout", "buildInfo", "buildinfo", "whatsmyuri", "endSessions", "startSession",
	"getLog", "getCmdLineOpts", "getFreeMonitoringStatus", "connectionStatus",
}

// isCommand accepts what a command can be called.
func isCommand(b []byte) bool {
	const longest = 48
	if len(b) == 0 || len(b) > longest {
		return false
	}
	for i, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// command reads what a request asks. It returns false if that cannot be told.
func (m *message) command(c *protocol.Call) bool {
	switch m.op {
	case opInsert, opUpdate, opDelete, opGetMore:
		c.Operation = map[int32]string{opInsert: "insert", opUpdate: "update", opDelete: "delete", opGetMore: "getMore"}[m.op]
		m.namespace(c)
		return c.Resource != ""
	}
	if m.body == nil {
		return false
	}
	m.namespace(c)
	if m.op == opQuery && c.Resource != "" { // a find of before there was that command
		c.Operation = "find"
		var s statement
		s.field(element{kind: typeDocument, name: []byte("filter"), value: m.body}, 0)
		c.Query = query(c, &s)
		return true
	}
	return m.read(c)
}

// namespace takes database and collection of the old operations. Of a command there is no collection.
func (m *message) namespace(c *protocol.Call) {
	database, collection, _ := strings.Cut(m.collection, ".")
	c.Namespace = database
	if collection != "$cmd" {
		c.Resource = template.Key(collection)
	}
}

// read reads a command's document.
func (m *message) read(c *protocol.Call) bool {
	var s statement
	first := true
	document(m.body, func(e element) bool {
		switch name := string(e.name); {
		case first && name == "$query" && e.kind == typeDocument: // of OP_QUERY with options
			m.body = e.value
			first = false
			m.read(c)
			return false
		case first:
			first = false
			if !isCommand(e.name) {
				return false
			}
			c.Operation = name
			if slices.Contains(onCollections, name) {
				c.Resource = template.Key(e.text())
			}
		case name == "collection" && c.Operation == "getMore":
			c.Resource = template.Key(e.text())
		case name == "$db":
			c.Namespace = template.Cut(e.text(), maxDatabase)
		default:
			s.add(e)
		}
		return true
	})
	for i, name := range m.sequences {
		if name != "documents" {
			var one statement
			one.document(m.listed[i], 0)
			s.section(name, one.String())
		}
	}
	if c.Operation != "" && c.Query == "" {
		c.Query = query(c, &s)
	}
	return c.Operation != ""
}

// maxDatabase is the longest name of a database.
const maxDatabase = 64

// section writes what stands outside of the command's document.
func (s *statement) section(name, of string) {
	if s.Len() > 0 {
		s.WriteString(", ")
	}
	s.WriteString(template.Key(name) + ": [" + of + "]")
}

// query is the text of a statement.
func query(c *protocol.Call, s *statement) string {
	text := c.Operation
	if c.Resource != "" {
		text += ": " + c.Resource
	}
	if s.Len() > 0 {
		text += ", " + s.String()
	}
	return template.Cut("{"+text+"}", maxStatement)
}
