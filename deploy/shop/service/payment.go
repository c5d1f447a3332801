package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
)

// work is how many rounds a charge is signed with, about a third of a millisecond.
const work = 1500

// payment pretends to charge a card.
type payment struct {
	*server
	db     *database
	insert string
	served atomic.Uint64
}

func newPayment(ctx context.Context, s *server) (*payment, error) {
	db, err := openDatabase(ctx, s.cfg.Postgres)
	if err != nil {
		return nil, err
	}
	return &payment{server: s, db: db, insert: db.sql("INSERT INTO {charges} (buyer, amount, receipt) VALUES ($1, $2, $3)")}, nil
}

func (p *payment) close() { p.db.close() }

func (p *payment) routes(mux *http.ServeMux) { mux.HandleFunc("POST /charges", p.handle(p.charge)) }

func (p *payment) charge(r *http.Request) (any, error) {
	var in struct {
		User   string `json:"user"`
		Amount int    `json:"amount"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&in); err != nil || in.Amount <= 0 {
		return nil, fail(http.StatusBadRequest, errBody)
	}
	if n := uint64(p.stamp.FailEvery); n > 0 && p.served.Add(1)%n == 0 { //nolint:gosec // never negative
		return nil, errors.New("charge: rounding of amount: index out of range [3] with length 3")
	}
	receipt := sha256.Sum256([]byte(in.User))
	for range work {
		receipt = sha256.Sum256(receipt[:])
	}
	id := hex.EncodeToString(receipt[:8])
	if _, err := p.db.pool.Exec(r.Context(), p.insert, in.User, in.Amount, id); err != nil {
		return nil, broken("write charge", err)
	}
	return map[string]string{"receipt": id}, nil
}
