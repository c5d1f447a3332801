package template

import (
	"regexp"
	"strings"

	"github.com/DataDog/go-sqllexer"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Bounds of SQL texts, in bytes.
const (
	maxQuery   = 2048
	maxSummary = 128
)

// Statement is a SQL text without its values. It is shared: do not change it.
type Statement struct {
	Text      string // literals are "?", comments are gone; at most 2 KiB
	Operation string // SELECT, INSERT, BEGIN …; of WITH, what follows it
	Table     string // the table it is about, if it names exactly one
	Summary   string // operation and tables, "SELECT orders items"
}

// SQL templates statements and remembers the last ones, because programs repeat themselves. Not safe for concurrent use.
type SQL struct {
	dialect   sqllexer.DBMSType
	plain     func(text string) string           // makes a text one that the library reads right; nil: they are
	seen      *simplelru.LRU[string, *Statement] // :: text as sent → statement
	obfuscate *sqllexer.Obfuscator
	normalize *sqllexer.Normalizer
}

// NewSQL returns a templater of PostgreSQL's dialect, and of those that quote as it does. It remembers up to size statements; size must be positive.
func NewSQL(size int) *SQL {
	s := newSQL(size, sqllexer.DBMSPostgres)
	s.plain = certainly
	return s
}

// escapes is the beginning of a value in which a backslash is before what would end it.
var escapes = regexp.MustCompile(`(?i)(^|\W)e'`)

// certainly is a text of PostgreSQL up to a quote behind a backslash, if there may be one that does not end a value: the library takes it for the end.
func certainly(text string) string {
	if at := escapes.FindStringIndex(text); at != nil {
		if n := strings.Index(text[at[1]:], `\'`); n >= 0 {
			return text[:at[1]+n]
		}
	}
	return text
}

// NewMySQL returns a templater of MySQL's dialect, in which double quotes are around values, too.
func NewMySQL(size int) *SQL {
	s := newSQL(size, sqllexer.DBMSMySQL)
	s.plain = plain
	return s
}

func newSQL(size int, dialect sqllexer.DBMSType) *SQL {
	seen, err := simplelru.NewLRU[string, *Statement](max(size, 1), nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &SQL{
		dialect:   dialect,
		seen:      seen,
		obfuscate: sqllexer.NewObfuscator(sqllexer.WithReplaceDigits(false), sqllexer.WithReplaceBoolean(true), sqllexer.WithDollarQuotedFunc(false)),
		normalize: sqllexer.NewNormalizer(sqllexer.WithCollectCommands(true), sqllexer.WithCollectTables(true), sqllexer.WithKeepSQLAlias(true), sqllexer.WithRemoveSpaceBetweenParentheses(true)),
	}
}

// Template returns the statement of a text. A text cut at its end is taken for what is there; a literal left open is a literal.
func (s *SQL) Template(text string) *Statement {
	if st, ok := s.seen.Get(text); ok {
		return st
	}
	st := s.template(s.prepared(text))
	s.seen.Add(strings.Clone(text), st)
	return st
}

func (s *SQL) prepared(text string) string {
	if s.plain == nil {
		return text
	}
	return s.plain(text)
}

func (s *SQL) template(text string) *Statement {
	out, meta, err := sqllexer.ObfuscateAndNormalize(text, s.obfuscate, s.normalize, sqllexer.WithDBMS(s.dialect))
	if err != nil {
		return &Statement{Operation: firstWord(text)}
	}
	if open := leftOpen.FindStringIndex(out); open != nil {
		return s.template(out[:open[0]] + "?")
	}
	st := &Statement{Text: Cut(out, maxQuery), Operation: operation(out, meta.Commands)}
	tables := meta.Tables
	if st.Operation == "COPY" {
		tables = copied(out)
	}
	if len(tables) == 1 {
		st.Table = tables[0]
	}
	st.Summary = Cut(strings.Join(append([]string{st.Operation}, tables...), " "), maxSummary)
	return st
}

// leftOpen is the start of a dollar quote or a comment. The library takes one that never ends, because the text was cut, for text.
var leftOpen = regexp.MustCompile(`/\*|\$([A-Za-z_\x{80}-\x{10ffff}][\w\x{80}-\x{10ffff}]*)?\$`)

// copied is the table of a COPY statement, which the library does not know; a query in its place has none.
func copied(text string) []string {
	words := strings.Fields(text)
	if len(words) < 2 || strings.HasPrefix(words[1], "(") {
		return nil
	}
	table, _, _ := strings.Cut(words[1], "(")
	return []string{table}
}

// operation is the first word, but a WITH is about what follows it.
func operation(text string, commands []string) string {
	first := firstWord(text)
	if first != "WITH" || len(commands) == 0 {
		return first
	}
	for _, c := range commands {
		if c = strings.ToUpper(c); c != "WITH" && c != "SELECT" {
			return c
		}
	}
	return "SELECT"
}

// Operation is the operation a CommandComplete tag or a statement begins with, in capitals.
func Operation(text string) string { return firstWord(text) }

// firstWord is the leading keyword, in capitals. A word that is not letters, or too long for a keyword, is none.
func firstWord(text string) string {
	text = strings.TrimLeft(text, " \t\r\n(;")
	end := 0
	for end < len(text) && (text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z') {
		end++
	}
	if end == 0 || end > 16 {
		return "QUERY"
	}
	return strings.ToUpper(text[:end])
}
