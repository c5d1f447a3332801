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

// maxRefused is how many rows are looked for while none at all is stored. Then it is not the rows.
const maxRefused = 100

// isolate stores parts that were refused together: each by itself, and of one that is refused again the rows that can be stored. The others go to
// dead_letters. It returns the writes whose rows may not all be stored.
func (s *Server) isolate(ctx context.Context, p partition, parts []part) map[*write]error {
	failed := map[*write]error{}
	search := bisection{s: s, p: p}
	for _, c := range parts {
		if err := search.part(ctx, c); err != nil {
			s.cfg.Log.Warn("insert a request by itself; its sender will come back", "table", p.table, "day", p.day.date(), "error", err)
			failed[c.of] = err
		}
	}
	return failed
}

// bisection looks for the rows that the store refuses, and stores the others.
type bisection struct {
	s       *Server
	p       partition
	stored  int       // rows
	refused []refusal // of the part that is looked at
}

type refusal struct {
	row int
	why *store.ServerError
}

func (b *bisection) part(ctx context.Context, c part) error {
	missing, err := b.s.missing(ctx, b.p, []part{c})
	if err != nil || len(missing) == 0 {
		return err
	}
	b.refused = nil
	if err := b.rows(ctx, c, 0, c.rows()); err != nil || len(b.refused) == 0 {
		return err
	}
	if err := b.s.cfg.Store.Insert(ctx, "dead_letters", []proto.Input{block.Join([]block.Block{b.letters(c)})}); err != nil {
		return err
	}
	c.of.refused += len(b.refused)
	b.s.cfg.Log.Error("the store refuses rows; they are in dead_letters", "table", b.p.table, "rows", len(b.refused), "why", b.refused[0].why.Message)
	return nil
}

// rows stores the rows from up to but without to, or what it can of their halves.
func (b *bisection) rows(ctx context.Context, c part, from, to int) error {
	err := b.s.send(ctx, b.p, []part{{&chunk{block: c.block.Slice(from, to)}, c.of}})
	why, ok := errors.AsType[*store.ServerError](err)
	switch {
	case err == nil:
		b.stored += to - from
		return nil
	case !ok || !mayBeTheRows(why) || (b.stored == 0 && len(b.refused) == maxRefused):
		return err
	case to-from == 1:
		b.refused = append(b.refused, refusal{from, why})
		return nil
	}
	middle := (from + to) / 2
	if err := b.rows(ctx, c, from, middle); err != nil {
		return err
	}
	return b.rows(ctx, c, middle, to)
}

// letters is the refused rows as the table dead_letters has them.
func (b *bisection) letters(c part) block.Block {
	environment, target, reason := block.NewDict(), block.NewDict(), block.NewDict()
	message, request, content := block.NewStrings(), block.NewStrings(), block.NewStrings()
	row := block.UInt64()
	for _, r := range b.refused {
		environment.PutString(c.of.environment)
		target.PutString(b.p.table)
		reason.PutString(r.why.Name)
		message.PutString(r.why.Message)
		request.PutString(c.of.id)
		row.Put64(uint64(r.row))
		content.Put(c.block.Text(r.row))
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
