package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/frostline/frostline/agent"
)

// carry is what a fresh store takes over at once from a damaged one: the small tables. The
// records follow in the background.
type carry struct {
	cause   string
	file    string
	epoch   agent.Epoch // the damaged store's last; 0 if it could not be read
	lastSeq agent.Seq
	cat     *catalog
	defs    map[agent.DefID]agent.Definition
	defsOK  bool
	head    int64 // its last offset, as far as known
	taken   int64 // offset up to which every cursor had taken everything
	state   map[string][]byte
	cursors map[Cursor]CursorState
	waiting []quarantineRow
}

type quarantineRow struct {
	upstream, reason string
	epoch, seq, at   int64
	requeued         bool
}

// readCarry reads what it can; what it cannot read is left out.
func readCarry(file string) *carry {
	c := &carry{file: file, cat: newCatalog(), defs: map[agent.DefID]agent.Definition{}, state: map[string][]byte{}, cursors: map[Cursor]CursorState{}}
	pool := openReaders(file)
	defer pool.Close() //nolint:errcheck // it only read
	if loadSegments(pool, c.cat) != nil {
		c.cat.segs = nil
	}
	var err error
	c.defs, err = loadDefinitions(pool, c.cat)
	c.defsOK = err == nil
	loadBoots(pool, c.cat) //nolint:errcheck // a boot that is not known stays undated
	c.readState(pool)      //nolint:errcheck // what was read before the error is kept
	c.readQuarantine(pool) //nolint:errcheck // as above
	c.findEnd(pool)
	return c
}

func (c *carry) readState(q querier) error {
	rows, err := q.QueryContext(background, "SELECT name, value FROM state")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		switch cursor, is := parseCursorNote(name); {
		case is:
			if s, err := decodeCursor(value); err == nil {
				c.cursors[cursor] = s
			}
		case name == noteEpoch && len(value) == 8:
			c.epoch = agent.Epoch(binary.LittleEndian.Uint64(value))
		case strings.HasPrefix(name, noteUser), strings.HasPrefix(name, placeNote("")), name == noteDropped:
			c.state[name] = value
		}
	}
	return rows.Err()
}

func (c *carry) readQuarantine(q querier) error {
	rows, err := q.QueryContext(background, "SELECT upstream, epoch, seq, reason, at, requeued FROM quarantine")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r quarantineRow
		if err := rows.Scan(&r.upstream, &r.epoch, &r.seq, &r.reason, &r.at, &r.requeued); err != nil {
			return err
		}
		c.waiting = append(c.waiting, r)
	}
	return rows.Err()
}

// findEnd finds the last offset and what every cursor had taken.
func (c *carry) findEnd(q querier) {
	if len(c.cat.segs) == 0 {
		return
	}
	c.head = c.cat.segs[len(c.cat.segs)-1].start
	var id, n sql.NullInt64
	if q.QueryRowContext(background, "SELECT id, n FROM log ORDER BY id DESC LIMIT 1").Scan(&id, &n) == nil {
		c.head = max(c.head, id.Int64+n.Int64-1)
	}
	c.taken = c.head
	for _, s := range c.cursors {
		at, known := c.cat.offset(s.Position)
		if known {
			c.head = max(c.head, at) // a cursor never passes the last record
		}
		c.taken = min(c.taken, at)
	}
	s := &session{cat: c.cat, next: c.head + 1}
	c.lastSeq = s.lastSeq(c.epoch)
}

// write puts what was carried over into a fresh file, together with the order to salvage
// the rest.
func (c *carry) write(conn *sql.Conn) (err error) {
	if _, err := conn.ExecContext(background, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			conn.ExecContext(background, "ROLLBACK") //nolint:errcheck // the cause is returned
		}
	}()
	if err := c.writeCatalog(conn); err != nil {
		return err
	}
	for name, value := range c.state {
		if err := insert(conn, "INSERT INTO state VALUES (?, ?)", name, value); err != nil {
			return err
		}
	}
	// Records after taken come again, after the ones of the new epoch, so a cursor must not
	// stand beyond them. Notes belong to the old place.
	for cursor := range c.cursors {
		s := CursorState{Position: c.cat.position(c.taken)}
		if err := insert(conn, "INSERT INTO state VALUES (?, ?)", cursorNote(cursor), s.encode()); err != nil {
			return err
		}
	}
	for _, r := range c.waiting {
		if err := insert(conn, "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", r.upstream, r.epoch, r.seq, r.reason, r.at, r.requeued); err != nil {
			return err
		}
	}
	order, err := json.Marshal(salvage{File: filepath.Base(c.file), Head: c.head, Taken: c.taken, Cause: c.cause, OpenEnd: c.head == 0})
	if err != nil {
		return err
	}
	if err := insert(conn, "INSERT INTO state VALUES (?, ?)", noteSalvage, order); err != nil {
		return err
	}
	_, err = conn.ExecContext(background, "COMMIT")
	return err
}

func (c *carry) writeCatalog(conn *sql.Conn) error {
	for id, n := range c.cat.defs.of {
		var text []byte
		if d, ok := c.defs[id]; ok {
			var err error
			if text, err = json.Marshal(d); err != nil {
				return err
			}
		}
		if err := insert(conn, "INSERT INTO definitions VALUES (?, ?, ?)", int64(n), int64(id), text); err != nil {
			return err
		}
	}
	if !c.defsOK {
		// Numbers that could not be read may still stand in packs: new ones must not meet them.
		var b [4]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		base := int64(binary.LittleEndian.Uint32(b[:])|1<<31) << 24
		if err := insert(conn, "INSERT INTO definitions VALUES (?, ?, NULL)", base, base); err != nil {
			return err
		}
	}
	for id, b := range c.cat.boots {
		b.upto = 0
		if err := putBoot(conn, id, b); err != nil {
			return err
		}
	}
	// The old offsets of what was taken stay valid; the new epoch begins after the old end.
	for _, s := range c.cat.segs {
		if err := insert(conn, "INSERT INTO segments VALUES (?, ?, ?)", s.start, int64(s.epoch), int64(s.first)); err != nil {
			return err
		}
	}
	if n := len(c.cat.segs); n > 0 {
		// A last segment that is too short would let the new epoch begin inside it.
		return c.fence(conn, c.cat.segs[n-1])
	}
	return nil
}

// fence moves the fresh store's next offset behind the old head: a segment whose first
// record will never come. The writer begins the new epoch's own segment there.
func (c *carry) fence(conn *sql.Conn, last segment) error {
	next := c.head + 1
	if next <= last.start {
		return nil
	}
	return insert(conn, "INSERT INTO segments VALUES (?, ?, ?)", next, int64(last.epoch), int64(last.first)+next-last.start)
}
