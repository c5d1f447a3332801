package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// insertAnswer is how long the server may be silent while it works on a block.
const insertAnswer = time.Minute

// Insert stores blocks, which have these columns. It asks for them once the server is at the insert, where Quiet sees it; there may be none.
// The server makes one part of them and takes it whole or not at all if all rows are of one partition and the blocks are no larger together
// than it collects before it writes (256 MiB of its memory). It speaks the protocol through ch-go, the library below the other driver, because
// only that takes columns that are in wire form already. After an error that is no *ServerError the rows may be stored or not.
func (db *DB) Insert(ctx context.Context, table string, columns []string, blocks func() []proto.Input) error {
	c, err := db.inserters.get(ctx)
	if err != nil {
		return err
	}
	err = c.Do(ctx, stream(db.cfg.insertSettings(c.mark), db.target(table), columns, blocks))
	db.inserters.put(c, err)
	if e, ok := errors.AsType[*ch.Exception](err); ok {
		return &ServerError{Code: int(e.Code), Name: e.Code.String(), Message: e.Message, Table: table}
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// insertSettings make an answer mean what it says: the rows are stored now, and also when the same block was stored and deleted before, which
// replicated tables would take for a repetition. The index of ids' pieces is left to the first merge, a tenth of what logs cost: until then the
// newest lines are few enough to be looked through. The mark is for Quiet.
func insertSettings(mark string) []ch.Setting {
	return []ch.Setting{
		ch.SettingInt("async_insert", 0), ch.SettingInt("insert_deduplicate", 0),
		{Key: "exclude_materialize_skip_indexes_on_insert", Value: "grams_idx"},
		{Key: "log_comment", Value: mark},
	}
}

// stream is an insert whose blocks are sent one after the other.
func stream(settings []ch.Setting, table string, columns []string, blocks func() []proto.Input) ch.Query {
	empty := make(proto.Input, len(columns)) // what has no rows is not sent: the library asks for what is
	for i, name := range columns {
		empty[i] = proto.InputColumn{Name: name, Data: proto.ColUInt8{}}
	}
	current := slices.Clone(empty)
	asked := sync.OnceValue(blocks)
	sent := 0
	return ch.Query{
		Body: "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES", Input: current, Settings: settings,
		OnInput: func(context.Context) error {
			all := asked()
			if sent == len(all) {
				copy(current, empty)
				return io.EOF
			}
			copy(current, all[sent])
			sent++
			return nil
		},
	}
}

// ServerError is the server's refusal of an insert: nothing of the block is stored in the table itself, though views may have been filled.
type ServerError struct {
	Code                 int    // ClickHouse's number of the error
	Name, Message, Table string // its name, as TOO_MANY_PARTS, and what the server says
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("insert into %s: code %d (%s): %s", e.Table, e.Code, e.Name, e.Message)
}

// inserters is the connections for Insert, or those for Read: those that are idle and the marks of the others.
type inserters struct {
	cfg      Config
	idle     chan inserter
	lifetime time.Duration // of a connection
	dialled  atomic.Int64  // connections so far

	busy struct {
		sync.Mutex
		marks map[string]bool
	}
}

// insertMark begins the marks of inserters.
const insertMark = "midwatch-insert-"

// inserter is a connection, and when it was made. Its mark is the log_comment of its inserts, by which a server says that it runs one of them.
type inserter struct {
	*ch.Client
	dialled time.Time
	mark    string
}

func newInserters(cfg Config) *inserters {
	i := &inserters{cfg: cfg, idle: make(chan inserter, cfg.MaxConns), lifetime: connLifetime}
	i.busy.marks = map[string]bool{}
	return i
}

// get returns a connection to put back.
func (i *inserters) get(ctx context.Context) (inserter, error) {
	c, err := i.connection(ctx)
	if err == nil {
		i.busy.Lock()
		i.busy.marks[c.mark] = true
		i.busy.Unlock()
	}
	return c, err
}

// connection is an idle one, or a new one to the first address that answers.
func (i *inserters) connection(ctx context.Context) (inserter, error) {
	for {
		select {
		case c := <-i.idle:
			if i.usable(c) {
				return c, nil
			}
			_ = c.Close() // nothing is under way on it
		default:
			return i.dial(ctx)
		}
	}
}

func (i *inserters) dial(ctx context.Context) (inserter, error) {
	var all error
	for _, address := range i.cfg.order(int(i.dialled.Add(1))) {
		c, err := ch.Dial(ctx, ch.Options{
			Address: address, Database: i.cfg.Database, User: i.cfg.User, Password: i.cfg.Password, TLS: i.cfg.TLS, ClientName: "midwatch",
			Compression: ch.CompressionLZ4, DialTimeout: dialTimeout, HandshakeTimeout: dialTimeout, ReadTimeout: insertAnswer,
		})
		if err == nil {
			return inserter{c, time.Now(), insertMark + rand.Text()}, nil
		}
		all = errors.Join(all, err)
	}
	return inserter{}, fmt.Errorf("connect to the store at %v: %w", i.cfg.Addresses, all)
}

func (i *inserters) usable(c inserter) bool {
	return !c.IsClosed() && time.Since(c.dialled) < i.lifetime
}

// put keeps a connection that is in order. If it is not, the server may still be at its insert, which then is nobody's.
func (i *inserters) put(c inserter, err error) {
	i.busy.Lock()
	delete(i.busy.marks, c.mark)
	i.busy.Unlock()
	if err != nil || !i.usable(c) {
		_ = c.Close() // what went wrong is told by err
		return
	}
	select {
	case i.idle <- c:
	default:
		_ = c.Close()
	}
}

func (i *inserters) close() error {
	var all error
	for {
		select {
		case c := <-i.idle:
			all = errors.Join(all, c.Close())
		default:
			return all
		}
	}
}
