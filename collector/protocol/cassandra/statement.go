package cassandra

import (
	"crypto/md5" //nolint:gosec // what Cassandra makes ids of
	"regexp"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Bounds of what was prepared.
const (
	maxPreparedHere = 512
	maxID           = 64
)

// constants are CQL's that SQL does not have: UUIDs, durations, blobs. No name begins with a digit.
var constants = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\bP(?:\d+[YMWD]|T\d+[HMS])[\w.:-]*|\b\d[\d.]*(?:e[+-]?\d+)?[\wµ]*`)

// batch is what begins a batch that is written as one statement.
var batch = regexp.MustCompile(`(?i)^\s*BEGIN\s+(?:(?:UNLOGGED|COUNTER)\s+)?BATCH\b`)

// statement templates CQL.
func (p *Parser) statement(text string) *template.Statement {
	st := p.sql.Template(constants.ReplaceAllString(text, "?"))
	if st.Operation != "BEGIN" || !batch.MatchString(text) {
		return st
	}
	return &template.Statement{Text: st.Text, Operation: "BATCH", Table: st.Table}
}

// Prepared are statements that are known by the id that servers gave them, for all connections: drivers prepare on one and execute on all. Not safe
// for concurrent use.
type Prepared struct {
	known *simplelru.LRU[string, *template.Statement] // :: id → statement
}

// NewPrepared remembers up to size statements; size must be positive.
func NewPrepared(size int) *Prepared {
	known, err := simplelru.NewLRU[string, *template.Statement](max(size, 1), nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Prepared{known}
}

// preparing is a statement that waits for its id.
type preparing struct {
	statement *template.Statement
	ids       [2][md5.Size]byte // as Cassandra makes them: of the text, and of the keyspace and the text
}

func prepare(st *template.Statement, keyspace, text string) preparing {
	return preparing{st, [2][md5.Size]byte{md5.Sum([]byte(text)), md5.Sum([]byte(keyspace + text))}} //nolint:gosec // as above
}

// prepared remembers the id of a statement: for everyone where it is the text's hash, for this connection where it may be a number that other
// servers use, too.
func (p *Parser) prepared(s preparing, id []byte) {
	if len(id) == 0 || len(id) > maxID {
		return
	}
	p.here.known.Add(string(id), s.statement)
	if string(id) == string(s.ids[0][:]) || string(id) == string(s.ids[1][:]) {
		p.everywhere.known.Add(string(id), s.statement)
	}
}

// executed is the statement of an id, nil if it was prepared before anyone looked.
func (p *Parser) executed(id []byte) *template.Statement {
	if st, ok := p.here.known.Get(string(id)); ok {
		return st
	}
	st, _ := p.everywhere.known.Get(string(id))
	return st
}
