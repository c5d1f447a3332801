package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// insertAnswer is how long the server may be silent while it works on a block.
const insertAnswer = time.Minute

// Insert stores blocks, which have the same columns. The server makes one part of them and takes it whole or not at all if all rows are of one
// partition and the blocks are no larger together than it collects before it writes (256 MiB of its memory). It speaks the protocol through
// ch-go, the library below the other driver, because only that takes columns that are in wire form already. After an error that is no
// *ServerError the rows may be stored or not.
func (db *DB) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	c, err := db.inserters.get(ctx)
	if err != nil {
		return err
	}
	err = c.Do(ctx, stream(table, blocks))
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
// replicated tables would take for a repetition.
var insertSettings = []ch.Setting{ch.SettingInt("async_insert", 0), ch.SettingInt("insert_deduplicate", 0)}

// stream is an insert whose blocks are sent one after the other.
func stream(table string, blocks []proto.Input) ch.Query {
	current := slices.Clone(blocks[0])
	q := ch.Query{Body: insertInto(table, current), Input: current, Settings: insertSettings}
	if len(blocks) == 1 {
		return q
	}
	sent := 0
	q.OnInput = func(context.Context) error {
		sent++
		copy(current, blocks[sent])
		if sent == len(blocks)-1 {
			return io.EOF // after what is in current now
		}
		return nil
	}
	return q
}

func insertInto(table string, columns proto.Input) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES"
}

// ServerError is the server's refusal of an insert: nothing of the block is stored in the table itself, though views may have been filled.
type ServerError struct {
	Code                 int    // ClickHouse's number of the error
	Name, Message, Table string // its name, as TOO_MANY_PARTS, and what the server says
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("insert into %s: code %d (%s): %s", e.Table, e.Code, e.Name, e.Message)
}

// inserters is the idle connections for Insert.
type inserters struct {
	cfg      Config
	idle     chan inserter
	lifetime time.Duration // of a connection
}

// inserter is a connection and when it was made.
type inserter struct {
	*ch.Client
	dialled time.Time
}

func newInserters(cfg Config) *inserters {
	return &inserters{cfg: cfg, idle: make(chan inserter, cfg.MaxConns), lifetime: connLifetime}
}

// get returns an idle connection or makes one, to the first address that answers.
func (i *inserters) get(ctx context.Context) (inserter, error) {
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
	for _, address := range i.cfg.Addresses {
		c, err := ch.Dial(ctx, ch.Options{
			Address: address, Database: i.cfg.Database, User: i.cfg.User, Password: i.cfg.Password, TLS: i.cfg.TLS, ClientName: "midwatch",
			Compression: ch.CompressionLZ4, DialTimeout: dialTimeout, HandshakeTimeout: dialTimeout, ReadTimeout: insertAnswer,
		})
		if err == nil {
			return inserter{c, time.Now()}, nil
		}
		all = errors.Join(all, err)
	}
	return inserter{}, fmt.Errorf("connect to the store at %v: %w", i.cfg.Addresses, all)
}

func (i *inserters) usable(c inserter) bool {
	return !c.IsClosed() && time.Since(c.dialled) < i.lifetime
}

// put keeps a connection that is in order.
func (i *inserters) put(c inserter, err error) {
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
