package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// ErrTooMany means a bound on how many of something may be stored is reached.
var ErrTooMany = errors.New("too many")

// QuestionLimits bounds the questions of an investigation.
type QuestionLimits struct {
	Total   int           // ever
	Open    int           // without an answer, at once
	Forgets time.Duration // one that has no answer after so long does not count as open any more
}

// AddQuestion stores a question with the next number of its investigation and tells whether it is new: one that is stored under
// that id already is returned as it is, and ErrChanged with it if somebody else asked it, or in other words. It returns ErrNotFound
// when the investigation does not exist, and ErrTooMany beyond a limit.
func (d *DB) AddQuestion(ctx context.Context, q investigation.Question, limits QuestionLimits) (stored investigation.Question, added bool, err error) {
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		if err := d.mustTouch(ctx, tx, q.Investigation); err != nil { // and so one writer at a time
			return err
		}
		stored, err = d.question(ctx, tx, q.ID)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if q.Number, err = d.nextQuestion(ctx, tx, q, limits); err != nil {
			return err
		}
		sealed, err := d.seal(questionPurpose(q.ID), q)
		if err != nil {
			return err
		}
		stored, added = q, true
		_, err = d.exec(ctx, tx, `INSERT INTO questions (id, investigation, number, status, asked_at, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
			q.ID, q.Investigation, q.Number, q.Status, micros(q.AskedAt), sealed)
		return err
	})
	if err == nil && (stored.Investigation != q.Investigation || stored.Text != q.Text || stored.Asker != q.Asker) {
		err = ErrChanged
	}
	if err != nil {
		return stored, false, fmt.Errorf("store question %s of %s: %w", q.ID, q.Investigation, err)
	}
	return stored, added, nil
}

// nextQuestion is the number of a new question, if there may be one.
func (d *DB) nextQuestion(ctx context.Context, tx *sql.Tx, q investigation.Question, limits QuestionLimits) (int, error) {
	var last, open int
	err := d.row(ctx, tx, `SELECT COALESCE(MAX(number), 0), CAST(COALESCE(SUM(CASE WHEN status = ? AND asked_at > ? THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM questions WHERE investigation = ?`,
		[]any{investigation.QuestionAsked, micros(q.AskedAt.Add(-limits.Forgets)), q.Investigation}, &last, &open)
	switch {
	case err != nil:
		return 0, err
	case last >= limits.Total:
		return 0, fmt.Errorf("%w: %d questions were asked, at most %d", ErrTooMany, last, limits.Total)
	case open >= limits.Open:
		return 0, fmt.Errorf("%w: %d questions wait for their answers, at most %d", ErrTooMany, open, limits.Open)
	}
	return last + 1, nil
}

// DropQuestion deletes a question that was stored and could not be asked.
func (d *DB) DropQuestion(ctx context.Context, id string) error {
	if _, err := d.exec(ctx, d.sql, `DELETE FROM questions WHERE id = ? AND status = ?`, id, investigation.QuestionAsked); err != nil {
		return fmt.Errorf("delete question %s: %w", id, err)
	}
	return nil
}

// Question returns one question, or ErrNotFound.
func (d *DB) Question(ctx context.Context, id string) (investigation.Question, error) {
	q, err := d.question(ctx, d.sql, id)
	if err != nil {
		return q, fmt.Errorf("read question %s: %w", id, err)
	}
	return q, nil
}

// NumberedQuestion returns the question of that number of an investigation, or ErrNotFound.
func (d *DB) NumberedQuestion(ctx context.Context, investigationID string, number int) (q investigation.Question, err error) {
	var id string
	err = d.row(ctx, d.sql, `SELECT id FROM questions WHERE investigation = ? AND number = ?`, []any{investigationID, number}, &id)
	if err == nil {
		q, err = d.question(ctx, d.sql, id)
	}
	if err != nil {
		return q, fmt.Errorf("read question %d of %s: %w", number, investigationID, err)
	}
	return q, nil
}

func (d *DB) question(ctx context.Context, q querier, id string) (out investigation.Question, err error) {
	var sealed []byte
	if err := d.row(ctx, q, `SELECT sealed FROM questions WHERE id = ?`, []any{id}, &sealed); err != nil {
		return out, err
	}
	return out, d.open(questionPurpose(id), sealed, &out)
}

// Questions returns the questions of an investigation by number; none is an empty list.
func (d *DB) Questions(ctx context.Context, investigationID string) ([]investigation.Question, error) {
	list := []investigation.Question{}
	err := d.rows(ctx, d.sql, `SELECT id, sealed FROM questions WHERE investigation = ? ORDER BY number`, []any{investigationID},
		func(scan func(...any) error) error {
			var id string
			var sealed []byte
			if err := scan(&id, &sealed); err != nil {
				return err
			}
			var q investigation.Question
			if err := d.open(questionPurpose(id), sealed, &q); err != nil {
				return err
			}
			list = append(list, q)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list questions of %s: %w", investigationID, err)
	}
	return list, nil
}

// UpdateQuestion changes a question that has not ended; on one that has it does nothing. A change to another state than asked ends
// it. It returns ErrNotFound when the question does not exist.
func (d *DB) UpdateQuestion(ctx context.Context, id string, change func(*investigation.Question)) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		q, err := d.question(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := d.mustTouch(ctx, tx, q.Investigation); err != nil {
			return err
		}
		if q, err = d.question(ctx, tx, id); err != nil || q.Status != investigation.QuestionAsked { // again, now that nobody else writes
			return err
		}
		change(&q)
		if q.Status != investigation.QuestionAsked {
			q.EndedAt = fromMicros(micros(time.Now()))
		}
		sealed, err := d.seal(questionPurpose(id), q)
		if err != nil {
			return err
		}
		_, err = d.exec(ctx, tx, `UPDATE questions SET status = ?, sealed = ? WHERE id = ?`, q.Status, sealed, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("update question %s: %w", id, err)
	}
	return nil
}

func questionPurpose(id string) string { return "question/" + id }
