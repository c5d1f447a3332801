package store

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// server is one whose disk may be too full.
type server struct {
	*DB
	shard   string // whose replica it is
	full    fullness
	left    []partition // that it has and that were not looked at yet
	refused refusals
}

// servers are those that have rows: of a cluster all that answer.
type servers []*server

func (db *DB) servers(ctx context.Context) (all servers, err error) {
	if len(db.hosts) == 0 {
		return servers{{DB: db}}, nil
	}
	const one = "logs" // a server has a replica of each table
	replicas, err := db.replicas(ctx, one)
	if err == nil {
		err = allShards(one, replicas)
	}
	for _, r := range replicas {
		all = append(all, &server{DB: r.host, shard: r.shard})
	}
	return all, err
}

// look asks how full the servers are and, if one is too full, for what they have.
func (all servers) look(ctx context.Context) (over bool, err error) {
	for _, s := range all {
		if s.full, err = s.fullness(ctx); err != nil {
			return false, s.at(err)
		}
		over = over || !s.full.within()
	}
	if !over {
		return false, nil
	}
	for _, s := range all {
		if s.left, err = s.partitions(ctx); err != nil {
			return false, s.at(err)
		}
	}
	return true, nil
}

// mayDrop says whether anything may go.
func (all servers) mayDrop() bool {
	return slices.ContainsFunc(all, func(s *server) bool {
		return !s.full.within() && len(s.left) > 0 && s.full.mayDrop(s.left[0], s.left) // the oldest, before all others
	})
}

// problem says why there is still too much.
func (all servers) problem() (err error) {
	for _, s := range all {
		if !s.full.within() {
			err = errors.Join(err, s.at(s.full.problem()))
		}
	}
	return err
}

// with is an error and what the servers refused.
func (all servers) with(err error) error {
	for _, s := range all {
		err = errors.Join(err, s.at(s.refused.with(nil)))
	}
	return err
}

// aloneOn is alone on each of some servers.
func aloneOn(ctx context.Context, all servers, do func(context.Context) error) error {
	if len(all) == 0 {
		return do(ctx)
	}
	return alone(ctx, all[0].DB, usualTiming(), func(ctx context.Context, _ heldLock) error { return aloneOn(ctx, all[1:], do) })
}

// relieve drops the oldest that a server needs gone until none is too full. Names go only after all of their day that has them, on whichever server.
func (all servers) relieve(ctx context.Context) (dropped []Dropped, err error) {
	over, err := all.look(ctx)
	kept := map[names]bool{} // that something that stays has
	for _, p := range all.merged() {
		if err != nil || !over {
			return dropped, all.with(err)
		}
		done := false
		if all.want(p) && !kept[names{p.day, p.name()}] {
			if done, err = all.drop(ctx, p); err == nil { // also after a refusal: what a server did before it refused may have made the room
				over, err = all.stillOver(ctx)
			}
		}
		if done {
			dropped = append(dropped, p.dropped(DiskFull))
		} else {
			kept[p.names()] = true
		}
		for _, s := range all {
			s.left = slices.DeleteFunc(s.left, p.same)
		}
	}
	if err == nil {
		err = all.problem()
	}
	return dropped, all.with(err)
}

// merged is what the servers have, the oldest first. Of a shard's replicas it takes the one that has most.
func (all servers) merged() (out []partition) {
	for _, s := range all {
		for _, p := range s.left {
			if !slices.ContainsFunc(out, p.same) {
				out = append(out, all.sum(p))
			}
		}
	}
	sortOldest(out)
	return out
}

// sum is a partition with what all shards have of it.
func (all servers) sum(p partition) partition {
	shards := map[string]partition{}
	for _, s := range all {
		if i := slices.IndexFunc(s.left, p.same); i >= 0 && s.left[i].rows >= shards[s.shard].rows {
			shards[s.shard] = s.left[i]
		}
	}
	p.rows, p.bytes = 0, 0
	for _, of := range shards {
		p.rows += of.rows
		p.bytes += of.bytes
	}
	return p
}

// want says whether a server that has a partition needs it gone.
func (all servers) want(p partition) bool {
	return slices.ContainsFunc(all, func(s *server) bool {
		return !s.full.within() && slices.ContainsFunc(s.left, p.same) && s.full.mayDrop(p, s.left)
	})
}

// drop drops a partition on all servers that have it, at the same time, and says whether one did: the others of its shard follow.
func (all servers) drop(ctx context.Context, p partition) (done bool, err error) {
	did := make([]bool, len(all))
	var group errgroup.Group // that one fails is no reason to leave it half there
	for i, s := range all {
		if slices.ContainsFunc(s.left, p.same) {
			group.Go(func() (err error) {
				did[i], err = s.drop(ctx, p, &s.refused)
				return s.at(err)
			})
		}
	}
	err = group.Wait()
	return slices.Contains(did, true), err
}

// stillOver asks again those that were too full.
func (all servers) stillOver(ctx context.Context) (over bool, err error) {
	for _, s := range all {
		if s.full.within() {
			continue
		}
		if s.full, err = s.fullness(ctx); err != nil {
			return false, s.at(err)
		}
		over = over || !s.full.within()
	}
	return over, nil
}
