package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/frostline/frostline/agent"
)

// querier is a connection or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func getNote(q querier, name string) (value []byte, ok bool, err error) {
	err = q.QueryRowContext(background, "SELECT value FROM state WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, err
}

func noteIs(q querier, name string, want byte) (bool, error) {
	v, ok, err := getNote(q, name)
	return ok && len(v) == 1 && v[0] == want, err
}

// loadCatalog reads segments, definitions and boots.
func loadCatalog(q querier) (*catalog, map[agent.DefID]agent.Definition, error) {
	c := newCatalog()
	if err := loadSegments(q, c); err != nil {
		return nil, nil, fmt.Errorf("segments: %w", err)
	}
	defs, err := loadDefinitions(q, c)
	if err != nil {
		return nil, nil, fmt.Errorf("definitions: %w", err)
	}
	if err := loadBoots(q, c); err != nil {
		return nil, nil, fmt.Errorf("boots: %w", err)
	}
	return c, defs, nil
}

func loadSegments(q querier, c *catalog) error {
	rows, err := q.QueryContext(background, "SELECT start, epoch, first FROM segments ORDER BY start")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var start, epoch, first int64
		if err := rows.Scan(&start, &epoch, &first); err != nil {
			return err
		}
		if epoch == 0 || first < 1 || start < 1 {
			return fmt.Errorf("%w: segment at %d", errDamaged, start)
		}
		c.segs = append(c.segs, segment{start, agent.Epoch(epoch), agent.Seq(first)})
	}
	return rows.Err()
}

// loadDefinitions returns what it could read even if it returns an error.
func loadDefinitions(q querier, c *catalog) (map[agent.DefID]agent.Definition, error) {
	defs := map[agent.DefID]agent.Definition{}
	rows, err := q.QueryContext(background, "SELECT n, id, json FROM definitions ORDER BY n")
	if err != nil {
		return defs, err
	}
	defer rows.Close()
	for rows.Next() {
		var n, id int64
		var text []byte
		if err := rows.Scan(&n, &id, &text); err != nil {
			return defs, err
		}
		c.defs.add(uint64(n), agent.DefID(id))
		if text == nil {
			continue
		}
		var d agent.Definition
		if err := json.Unmarshal(text, &d); err != nil {
			return defs, fmt.Errorf("%w: definition %d: %w", errDamaged, n, err)
		}
		defs[agent.DefID(id)] = d
	}
	return defs, rows.Err()
}

func loadBoots(q querier, c *catalog) error {
	rows, err := q.QueryContext(background, `SELECT boot, first, mono, wall, trust, ended, after, before, upto FROM boots`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var b boot
		var wall sql.NullInt64
		if err := rows.Scan(&id, &b.first, &b.mono, &wall, &b.trust, &b.ended, &b.after, &b.before, &b.upto); err != nil {
			return err
		}
		if len(id) != len(agent.BootID{}) {
			return fmt.Errorf("%w: boot id of %d bytes", errDamaged, len(id))
		}
		b.dated, b.wall = wall.Valid, wall.Int64
		c.boots[agent.BootID(id)] = b
	}
	return rows.Err()
}
