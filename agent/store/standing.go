package store

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
)

// ErrDamaged is what a command ends with that found a store damaged.
var ErrDamaged = errDamaged

// Damaged tells an error of reading a damaged store from every other.
func Damaged(err error) bool { return troubleOf(err) == troubleDamaged }

// InMemory is how many records no commit has taken yet.
func (db *DB) InMemory() int64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	return int64(db.q.records + db.q.flying)
}

// Stalled reports whether records are overdue at the disk though the store has not declared
// itself out of order, and for how long: then its writer does not work. A sick disk is declared
// and is no stall.
func (db *DB) Stalled() (time.Duration, bool) {
	const slack = 10 * time.Second
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.running || db.closed || db.q.sick || !db.q.waiting {
		return 0, false
	}
	late := elapsed() - db.q.due
	return late, late > slack
}

// Taken returns a function that tells of each record whether the upstream has taken it, as
// of now. What was set aside because the upstream rejected it counts as taken.
func (r *Reader) Taken(ctx context.Context, up agent.UpstreamID) (func(*agent.Record) bool, error) {
	cat := r.cat.Load()
	reached := map[string]int64{}
	for _, lane := range []string{"urgent", "main"} {
		s, ok, err := r.CursorAt(ctx, Cursor{Upstream: up, Lane: lane})
		if err != nil {
			return nil, err
		}
		reached[lane] = -1
		if at, known := cat.offset(s.Position); ok && known {
			reached[lane] = at
		}
	}
	return func(rec *agent.Record) bool {
		at, known := cat.offset(rec.Position)
		return known && at <= reached[laneOf(codeOf(rec.Kind()))]
	}, nil
}

// Definition finds what a point was when it was read.
func (r *Reader) Definition(id agent.DefID) (agent.Definition, bool) { return r.definition(id) }
