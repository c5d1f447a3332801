package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/ingest/receive"
	"github.com/midwatch/midwatch/internal/store"
)

// maxRefused is how many rows of a request are looked for one by one. After that a range of rows that is refused is set aside as a whole.
const maxRefused = 100

// isolate stores parts that were refused together: each by itself, and of one that is refused again the rows that can be stored. The others go to
// dead_letters. It returns the writes whose rows may not all be stored.
func (s *Server) isolate(ctx context.Context, p partition, parts []part, why *store.ServerError) map[*write]error {
	failed := map[*write]error{}
	for _, c := range parts {
		search := bisection{s: s, p: p, part: c, why: why}
		if err := search.run(ctx); err != nil {
			s.cfg.Log.Warn("insert a request by itself; its sender will come back", "table", p.table, "day", p.day.Date(), "error", err)
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
	suspicion
	why    *store.ServerError // it refused something of the part last
	found  int                // stretches that were refused in this attempt
	stored int                // rows
}

// refusal is rows that were refused, and why.
type refusal struct {
	stretch
	why *store.ServerError
}

func (b *bisection) run(ctx context.Context) error {
	missing, err := b.s.missing(ctx, b.p, []part{b.part})
	if err != nil || len(missing) == 0 {
		return err
	}
	if b.of.gone() {
		return receive.ErrLeft
	}
	b.of.sent = true
	of := suspect{b.p, b.of.batch, b.Rows()}
	b.suspicion = b.s.suspects.suspect(of)
	refused, err := b.search(ctx)
	if err == nil {
		err = b.setAside(ctx, refused)
	}
	switch {
	case err == nil:
		b.s.suspects.forget(of)
	case b.works(): // it may take longer than its sender waits: the next attempt begins with what this one found
		b.s.suspects.know(of, b.suspicion)
	}
	return err
}

// search stores the rows that the store takes, and returns the others: those that it refused twice, the second time after it took rows of the table.
// Before, it may have had a reason of its own. Where nobody else writes to the table a few rows are given up after maxSuspicion: their sender would else
// send nothing more.
func (b *bisection) search(ctx context.Context) (refused []refusal, err error) {
	if err := b.rows(ctx, 0, b.Rows()); err != nil {
		return nil, err
	}
	if len(b.refused) > 0 && !b.works() && (b.found >= maxRefused || time.Since(b.since) < maxSuspicion) {
		return nil, b.why
	}
	for _, r := range b.refused {
		why, err := b.try(ctx, b.Block.Slice(r.from, r.to))
		if err != nil {
			return nil, err
		}
		if why != nil {
			refused = append(refused, refusal{r, why})
		}
	}
	return refused, nil
}

// rows stores the rows from up to but without to, or what it can of their halves, but for those that are known to be refused.
func (b *bisection) rows(ctx context.Context, from, to int) error {
	why, err := b.try(ctx, b.unknown(from, to)...)
	if err != nil || why == nil {
		return err
	}
	switch many := b.found >= maxRefused; {
	case many && !b.works():
		return why
	case many || to-from == 1:
		b.found++
		b.refuse(stretch{from, to})
		return nil
	}
	middle := (from + to) / 2
	if err := b.rows(ctx, from, middle); err != nil {
		return err
	}
	return b.rows(ctx, middle, to)
}

// try stores rows. If the store refuses them it returns the reason, and receive.ErrLeft when their sender has left: it has sent them again, maybe to
// another ingester, which saw no insert of them and stores them.
func (b *bisection) try(ctx context.Context, blocks ...block.Block) (why *store.ServerError, err error) {
	if len(blocks) == 0 {
		return nil, nil
	}
	rows := 0
	for _, rest := range blocks {
		rows += rest.Rows()
	}
	left := sync.OnceValue(b.of.gone)
	err = b.s.put(ctx, b.p.table, blocks, func(int) bool { return !left() })
	switch {
	case err == nil && left():
		return nil, receive.ErrLeft
	case err == nil:
		b.stored += rows
		return nil, nil
	}
	why, ok := errors.AsType[*store.ServerError](err)
	if !ok || !mayBeTheRows(why) {
		return nil, err
	}
	there := map[uint64]int{}
	if err := b.s.count(ctx, b.p, []part{b.part}, there); err != nil { // the server answered, so that its insert is over
		return nil, err
	}
	if there[b.of.batch] >= b.stored+rows { // it was a view that failed, after the rows were stored; what it makes of them is made again
		b.stored = there[b.of.batch]
		return nil, nil
	}
	b.why = why
	return why, nil
}

// unknown is the rows from up to but without to that are not known to be refused.
func (b *bisection) unknown(from, to int) (out []block.Block) {
	for _, r := range b.refused {
		if r.to <= from || r.from >= to {
			continue
		}
		if r.from > from {
			out = append(out, b.Block.Slice(from, r.from))
		}
		from = min(r.to, to)
	}
	if from < to {
		out = append(out, b.Block.Slice(from, to))
	}
	return out
}

// refuse notes rows that the store refused, instead of those of them that it refused before.
func (b *bisection) refuse(r stretch) {
	b.refused = slices.DeleteFunc(slices.Clone(b.refused), func(old stretch) bool { return old.from >= r.from && old.to <= r.to })
	i, _ := slices.BinarySearchFunc(b.refused, r, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	b.refused = slices.Insert(b.refused, i, r)
}

// works says that the store takes rows of this table, so that it is these that it does not want: others of this request, or of others, since it was
// refused for the first time.
func (b *bisection) works() bool { return b.s.inserts.since(b.p.table, b.since) }

// setAside puts rows into dead_letters.
func (b *bisection) setAside(ctx context.Context, refused []refusal) error {
	if len(refused) == 0 {
		return nil
	}
	letters := b.letters(refused)
	if err := b.s.cfg.Store.Insert(ctx, "dead_letters", letters.Names(), func() []proto.Input { return joined([]block.Block{letters}) }); err != nil {
		return err
	}
	if b.of.refused == nil {
		b.of.refused = map[string]int{}
	}
	b.of.refused[b.p.table] += letters.Rows()
	b.s.cfg.Log.Error("the store refuses rows; they are in dead_letters", "table", b.p.table, "rows", letters.Rows(), "why", refused[0].why.Message)
	return nil
}

// letters is refused rows as the table dead_letters has them.
func (b *bisection) letters(refused []refusal) block.Block {
	environment, target, reason := block.NewDict(), block.NewDict(), block.NewDict()
	message, request, content := block.NewStrings(), block.NewStrings(), block.NewStrings()
	row := block.UInt64()
	for _, r := range refused {
		for n := r.from; n < r.to; n++ {
			environment.PutString(b.of.environment)
			target.PutString(b.p.table)
			reason.PutString(r.why.Name)
			message.PutString(r.why.Message)
			request.PutString(b.of.id)
			row.Put64(uint64(b.p.day)<<32 | uint64(n)) // a request's days are parts of their own
			content.Put(b.Block.Text(n))
		}
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
