package ingest

import (
	"context"
	"errors"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/store"
)

// notTheRows are answers of ClickHouse that say nothing about the rows: it is out of something, goes down, or its tables are not what they should
// be. The same rows may be taken later. Anything else may be a row's fault.
var notTheRows = []proto.Error{
	proto.ErrMemoryLimitExceeded, proto.ErrCannotAllocateMemory, proto.ErrTooManyParts, proto.ErrNotEnoughSpace, proto.ErrTooManySimultaneousQueries,
	proto.ErrTimeoutExceeded, proto.ErrSocketTimeout, proto.ErrNetworkError, proto.ErrQueryWasCancelled, proto.ErrAborted,
	proto.ErrReadonly, proto.ErrTableIsReadOnly, proto.ErrAuthenticationFailed, proto.ErrAccessDenied,
	proto.ErrUnknownTable, proto.ErrUnknownDatabase, proto.ErrNoSuchColumnInTable, proto.ErrUnknownIdentifier, proto.ErrTableIsDropped,
	proto.ErrCannotWriteToFile, proto.ErrThreadWasCanceled, proto.ErrQueryWasCancelledByClient,
	proto.ErrCannotOpenFile, proto.ErrCannotWriteToFileDescriptor, proto.ErrCannotWriteToOstream, proto.ErrCannotFsync, proto.ErrCannotScheduleTask,
	proto.ErrKeeperException, proto.ErrTooFewLiveReplicas, proto.ErrUnknownStatusOfInsert, proto.ErrUnsatisfiedQuorumForPreviousWrite,
	proto.ErrAllConnectionTriesFailed, proto.ErrAllReplicasLost,
}

func mayBeTheRows(e *store.ServerError) bool {
	return !slices.Contains(notTheRows, proto.Error(e.Code))
}

// maxRefused is how many rows of a request are looked for one by one. After that a range of rows that is refused is set aside as a whole, if the
// store takes rows at all.
const maxRefused = 100

// isolate stores parts that were refused together: each by itself, and of one that is refused again the rows that can be stored. The others go to
// dead_letters. It returns the writes whose rows may not all be stored.
func (s *Server) isolate(ctx context.Context, p partition, parts []part) map[*write]error {
	failed := map[*write]error{}
	for _, c := range parts {
		search := bisection{s: s, p: p, part: c}
		if err := search.run(ctx); err != nil {
			s.cfg.Log.Warn("insert a request by itself; its sender will come back", "table", p.table, "day", p.day.date(), "error", err)
			failed[c.of] = err
		}
	}
	return failed
}

// bisection looks for the rows of a part that the store refuses, and stores the others.
type bisection struct {
	s *Server
	p partition
	part
	stored  int // rows
	refused []refusal
}

type refusal struct {
	row int
	why *store.ServerError
}

func (b *bisection) run(ctx context.Context) error {
	missing, err := b.s.missing(ctx, b.p, []part{b.part})
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := b.rows(ctx, 0, b.chunk.rows()); err != nil || len(b.refused) == 0 {
		return err
	}
	if err := b.s.cfg.Store.Insert(ctx, "dead_letters", []proto.Input{block.Join([]block.Block{b.letters()})}); err != nil {
		return err
	}
	b.of.refused += len(b.refused)
	b.s.cfg.Log.Error("the store refuses rows; they are in dead_letters", "table", b.p.table, "rows", len(b.refused), "why", b.refused[0].why.Message)
	return nil
}

// rows stores the rows from up to but without to, or what it can of their halves.
func (b *bisection) rows(ctx context.Context, from, to int) error {
	err := b.s.send(ctx, b.p, []part{{&chunk{block: b.block.Slice(from, to)}, b.of}})
	if err == nil {
		b.stored += to - from
		return nil
	}
	why, ok := errors.AsType[*store.ServerError](err)
	if !ok || !mayBeTheRows(why) {
		return err
	}
	there, err := b.there(ctx)
	switch many := len(b.refused) >= maxRefused; {
	case err != nil:
		return err
	case there >= b.stored+to-from: // it was a view that failed, after the rows were stored; what it makes of them is made again
		b.stored = there
		return nil
	case many && !b.works():
		return why
	case many || to-from == 1:
		for row := from; row < to; row++ {
			b.refused = append(b.refused, refusal{row, why})
		}
		return nil
	}
	middle := (from + to) / 2
	if err := b.rows(ctx, from, middle); err != nil {
		return err
	}
	return b.rows(ctx, middle, to)
}

// there is how many rows of the request the partition has.
func (b *bisection) there(ctx context.Context) (int, error) {
	found, err := b.s.lookUp(ctx, b.p, []part{b.part})
	return found[b.of.batch], err
}

// works says that the store takes rows of this table, so that it is these that it does not want: some of this request, or others since this one was
// refused for the first time.
func (b *bisection) works() bool {
	return b.stored > 0 || b.s.inserts.since(b.p.table, b.of.batch)
}

// letters is the refused rows as the table dead_letters has them.
func (b *bisection) letters() block.Block {
	environment, target, reason := block.NewDict(), block.NewDict(), block.NewDict()
	message, request, content := block.NewStrings(), block.NewStrings(), block.NewStrings()
	row := block.UInt64()
	for _, r := range b.refused {
		environment.PutString(b.of.environment)
		target.PutString(b.p.table)
		reason.PutString(r.why.Name)
		message.PutString(r.why.Message)
		request.PutString(b.of.id)
		row.Put64(uint64(b.p.day)<<32 | uint64(r.row)) // a request's days are parts of their own
		content.Put(b.block.Text(r.row))
	}
	return block.Block{
		{Name: "environment", Column: environment},
		{Name: "target", Column: target},
		{Name: "reason", Column: reason},
		{Name: "error", Column: message},
		{Name: "request", Column: request},
		{Name: "row_number", Column: row},
		{Name: "content", Column: content},
	}
}
