package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
)

// Quarantined is a record that an upstream will not take. It stays in the store, and
// can be sent again.
type Quarantined struct {
	Upstream agent.UpstreamID `json:"upstream"`
	Position agent.Position   `json:"position"`
	Reason   string           `json:"reason"`
	At       time.Time        `json:"at,omitzero"`
	Requeued bool             `json:"requeued"` // it waits to be sent again
}

// Quarantine sets a record aside for an upstream that will not take it. It returns when
// that is durable. A record that is there already gets the new reason and is not requeued
// any more.
func (db *DB) Quarantine(ctx context.Context, up agent.UpstreamID, pos agent.Position, reason string) error {
	var at int64
	if wall := db.opt.Now().Wall; !wall.IsZero() {
		at = wall.UnixMilli()
	}
	err := db.exec(ctx, "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?, ?, 0)", nil,
		string(up), int64(pos.Epoch), int64(pos.Seq), reason, at)
	if err != nil {
		return fmt.Errorf("store: quarantine %s for %s: %w", pos, up, err)
	}
	return nil
}

// Settled ends the quarantine of a record: the far side has taken it after all.
func (db *DB) Settled(ctx context.Context, up agent.UpstreamID, pos agent.Position) error {
	err := db.exec(ctx, "DELETE FROM quarantine WHERE upstream = ? AND epoch = ? AND seq = ?", nil,
		string(up), int64(pos.Epoch), int64(pos.Seq))
	if err != nil {
		return fmt.Errorf("store: settle %s for %s: %w", pos, up, err)
	}
	return nil
}

// Requeue has records of an upstream's quarantine sent again, all of them if no position
// is given. n is how many.
func (db *DB) Requeue(ctx context.Context, up agent.UpstreamID, positions ...agent.Position) (n int, err error) {
	const all = "UPDATE quarantine SET requeued = 1 WHERE upstream = ?"
	if len(positions) == 0 {
		err = db.exec(ctx, all, &n, string(up))
	}
	for _, p := range positions {
		if err == nil {
			err = db.exec(ctx, all+" AND epoch = ? AND seq = ?", &n, string(up), int64(p.Epoch), int64(p.Seq))
		}
	}
	if err != nil {
		return n, fmt.Errorf("store: requeue for %s: %w", up, err)
	}
	db.wakeWatchers()
	return n, nil
}

// exec runs one statement durably on the writer's goroutine and adds the rows it changed
// to changed.
func (db *DB) exec(ctx context.Context, query string, changed *int, args ...any) error {
	var rows int64
	err := db.do(ctx, func(w *writer) error {
		return w.inTransaction(func(conn *sql.Conn) error {
			res, err := conn.ExecContext(background, query, args...)
			if err == nil {
				rows, err = res.RowsAffected()
			}
			return err
		})
	})
	if err == nil && changed != nil {
		*changed += int(rows)
	}
	return err
}

func (w *writer) forget(up agent.UpstreamID) error {
	w.db.mu.Lock()
	for _, m := range []map[Cursor]ack{w.db.q.acks, w.db.q.cursors} {
		for c := range m {
			if c.Upstream == up {
				delete(m, c)
			}
		}
	}
	w.db.mu.Unlock()
	return w.inTransaction(func(conn *sql.Conn) error {
		for _, lane := range []string{"urgent", "main"} {
			if err := insert(conn, "DELETE FROM state WHERE name = ?", cursorNote(Cursor{up, lane})); err != nil {
				return err
			}
		}
		return insert(conn, "DELETE FROM quarantine WHERE upstream = ?", string(up))
	})
}

// Quarantined lists what is set aside, by upstream and position.
func (r *Reader) Quarantined(ctx context.Context) ([]Quarantined, error) {
	all, err := guard(ctx, func() ([]Quarantined, error) {
		return r.quarantined("SELECT upstream, epoch, seq, reason, at, requeued FROM quarantine ORDER BY upstream, at, epoch, seq")
	})
	if err != nil {
		return nil, fmt.Errorf("store: quarantined: %w", r.report(err))
	}
	return all, nil
}

func (r *Reader) quarantined(query string, args ...any) ([]Quarantined, error) {
	rows, err := r.pool.QueryContext(background, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Quarantined
	for rows.Next() {
		var q Quarantined
		var epoch, seq, at int64
		if err := rows.Scan(&q.Upstream, &epoch, &seq, &q.Reason, &at, &q.Requeued); err != nil {
			return nil, err
		}
		q.Position = agent.Position{Epoch: agent.Epoch(epoch), Seq: agent.Seq(seq)}
		q.At = timeOf(at)
		all = append(all, q)
	}
	return all, rows.Err()
}

// Quarantined lists what is set aside, by upstream and position.
func (db *DB) Quarantined(ctx context.Context) ([]Quarantined, error) {
	r, err := db.reader()
	if err != nil {
		return nil, fmt.Errorf("store: quarantined: %w", err)
	}
	return r.Quarantined(ctx)
}

// Requeued returns records of an upstream's quarantine that wait to be sent again, at most
// limit. One that retention has removed since is settled on the way.
func (db *DB) Requeued(ctx context.Context, up agent.UpstreamID, limit int) ([]agent.Record, error) {
	r, err := db.reader()
	if err != nil {
		return nil, fmt.Errorf("store: requeued: %w", err)
	}
	all, err := guard(ctx, func() ([]Quarantined, error) {
		return r.quarantined(`SELECT upstream, epoch, seq, reason, at, requeued FROM quarantine
			WHERE upstream = ? AND requeued = 1 ORDER BY epoch, seq LIMIT ?`, string(up), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("store: requeued for %s: %w", up, r.report(err))
	}
	var records []agent.Record
	for _, q := range all {
		rec, ok, err := r.At(ctx, q.Position)
		if err != nil {
			return nil, err
		}
		if !ok {
			if err := db.Settled(ctx, up, q.Position); err != nil {
				return nil, err
			}
			continue
		}
		records = append(records, rec)
	}
	return records, nil
}

// At is the record at exactly p; ok is false if it is not there.
func (r *Reader) At(ctx context.Context, p agent.Position) (rec agent.Record, ok bool, err error) {
	before := agent.Position{Epoch: p.Epoch, Seq: p.Seq - 1}
	records, err := r.After(ctx, before, 1)
	if err != nil || len(records) == 0 || records[0].Position != p {
		return agent.Record{}, false, err
	}
	return records[0], true, nil
}
