package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/frostline/frostline/agent"
)

// Reader is the reading side of a store. Its methods are safe for concurrent use; each
// returns when ctx is done even if the disk hangs.
type Reader struct {
	path       string
	pool       *sql.DB
	cat        atomic.Pointer[catalog]
	head       atomic.Int64 // offset of the last record
	rare       atomic.Int64 // beyond this offset there are readings only; published before head
	newest     atomic.Int64 // Unix milliseconds of the newest dated record
	waits      waits
	definition func(agent.DefID) (agent.Definition, bool)
	openHours  *hourly     // of the running agent; nil without one
	damaged    func(error) // told of damage found while reading; may be nil

	scanAll, scanRare *sql.Stmt
	prepare           sync.Mutex
}

func newReader(pool *sql.DB, path string) *Reader {
	r := &Reader{pool: pool, path: path}
	r.waits.init()
	return r
}

// OpenReadOnly opens a store for reading, whether or not an agent has it. It creates and
// changes nothing.
func OpenReadOnly(ctx context.Context, dir string) (*Reader, error) {
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("store: open read-only: %w", err)
	}
	r, err := guard(ctx, func() (*Reader, error) { return openReader(path) })
	if err != nil {
		return nil, fmt.Errorf("store: open %s read-only: %w", path, err)
	}
	return r, nil
}

func openReader(path string) (*Reader, error) {
	r := newReader(openReaders(path), path)
	var version int
	err := r.pool.QueryRowContext(background, "PRAGMA user_version").Scan(&version)
	if err == nil && version > SchemaVersion() {
		err = fmt.Errorf("%w: %d, this version of frostline reads %d: read the file with the version that wrote it", errNewer, version, SchemaVersion())
	}
	if err == nil && version < SchemaVersion() {
		err = fmt.Errorf("schema is %d, this version reads %d: start the agent once to migrate it", version, SchemaVersion())
	}
	var defs map[agent.DefID]agent.Definition
	if err == nil {
		defs, err = r.reload()
	}
	if err == nil {
		err = r.ping()
	}
	if err != nil {
		return nil, errors.Join(err, r.pool.Close())
	}
	r.definition = func(id agent.DefID) (agent.Definition, bool) {
		d, ok := defs[id]
		return d, ok
	}
	return r, nil
}

// reload reads catalog and head from the file.
func (r *Reader) reload() (map[agent.DefID]agent.Definition, error) {
	var id, n sql.NullInt64
	err := r.pool.QueryRowContext(background, "SELECT id, n FROM log ORDER BY id DESC LIMIT 1").Scan(&id, &n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	cat, defs, err := loadCatalog(r.pool) // after the head: it knows everything up to there
	if err != nil {
		return nil, err
	}
	r.cat.Store(cat)
	r.publish(id.Int64 + n.Int64 - 1)
	return defs, nil
}

// publish makes a file's records readable. Which kinds they are of is not known.
func (r *Reader) publish(head int64) {
	r.rare.Store(head)
	r.head.Store(head)
}

func (r *Reader) ping() (err error) {
	r.prepare.Lock()
	defer r.prepare.Unlock()
	const columns = "SELECT id, kind, n, body FROM log WHERE "
	if r.scanAll, err = r.pool.PrepareContext(background, columns+
		"id >= coalesce((SELECT max(id) FROM log WHERE id <= ?1), 0) ORDER BY id"); err != nil {
		return err
	}
	r.scanRare, err = r.pool.PrepareContext(background, columns+
		"kind = ?2 AND kind <> 1 AND id >= coalesce((SELECT max(id) FROM log WHERE kind = ?2 AND kind <> 1 AND id <= ?1), 0) ORDER BY id")
	return err
}

// Close frees the reader. A second Close does nothing.
func (r *Reader) Close() error {
	r.prepare.Lock()
	defer r.prepare.Unlock()
	var err error
	for _, stmt := range []*sql.Stmt{r.scanAll, r.scanRare} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	return errors.Join(err, r.pool.Close())
}

// packs calls fn for each pack that overlaps [from, to), at most limit of them, and returns
// the offset to go on from. The bytes are fn's only while it runs.
func (r *Reader) packs(from, to int64, limit int, fn func(id int64, h *packHead, rest []byte) error) (next int64, err error) {
	rows, err := r.scanAll.QueryContext(background, from)
	if err != nil {
		return from, err
	}
	defer rows.Close()
	var id int64
	var kind, n int
	var body sql.RawBytes
	for ; limit > 0; limit-- {
		if !rows.Next() {
			return to, rows.Err()
		}
		if err := rows.Scan(&id, &kind, &n, &body); err != nil {
			return from, err
		}
		if id >= to {
			return to, nil
		}
		if id+int64(n) <= from {
			continue
		}
		h, rest, err := decodeHead(body)
		if err == nil {
			err = fn(id, &h, rest)
		}
		if err != nil {
			return from, fmt.Errorf("pack at %d: %w", id, err)
		}
		from = id + int64(n)
	}
	return from, nil
}

// guard runs f, which may hang in the kernel, and gives up waiting when ctx is done.
func guard[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if ctx.Done() == nil {
		return f()
	}
	ch := make(chan result, 1)
	go func() {
		v, err := f()
		ch <- result{v, err}
	}()
	select {
	case res := <-ch:
		return res.v, res.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// report tells the writer of damage met while reading, and returns the error for the caller.
func (r *Reader) report(err error) error {
	if err != nil && troubleOf(err) == troubleDamaged && r.damaged != nil {
		r.damaged(err)
	}
	return err
}

// Head is the position of the last record, in store order; zero in an empty store.
func (r *Reader) Head() agent.Position {
	head := r.head.Load()
	if head == 0 {
		return agent.Position{}
	}
	return r.cat.Load().position(head)
}

// Oldest is the position of the oldest record still there; zero in an empty store.
func (r *Reader) Oldest(ctx context.Context) (agent.Position, error) {
	return guard(ctx, func() (agent.Position, error) {
		var id sql.NullInt64
		if err := r.pool.QueryRowContext(background, "SELECT min(id) FROM log").Scan(&id); err != nil {
			return agent.Position{}, fmt.Errorf("store: oldest: %w", r.report(err))
		}
		return r.cat.Load().position(id.Int64), nil
	})
}

// After returns the next records after p in store order, at most limit, of the given kinds
// (of all if none is given). The zero position is before all records; a position that is
// gone stands for its place. Records of a boot that has no date yet are Waiting.
func (r *Reader) After(ctx context.Context, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error) {
	return r.AppendAfter(ctx, nil, p, limit, kinds...)
}

// AppendAfter is After into the caller's slice, for those who read much. After an error
// dst must not be used any more.
func (r *Reader) AppendAfter(ctx context.Context, dst []agent.Record, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error) {
	if limit <= 0 {
		return dst, nil
	}
	// The head first: the writer publishes the catalog before it, so this catalog knows
	// everything up to this head. What is committed meanwhile is read by the next call.
	head := r.head.Load()
	cat := r.cat.Load()
	var from int64 = 1
	if !p.IsZero() {
		at, _ := cat.offset(p)
		from = at + 1
	}
	sel := selectKinds(kinds)
	if from > head || !sel[codeReadings] && from > r.rare.Load() {
		return dst, ctx.Err()
	}
	out, err := guard(ctx, func() ([]agent.Record, error) {
		sc := scan{ctx: ctx, r: r, cat: cat, head: head, dst: dst, from: from, limit: limit, sel: sel}
		err := sc.run()
		return sc.dst, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: read after %s: %w", p, r.report(err))
	}
	return out, nil
}

// selection is a set of kinds, by code.
type selection [kindCodes]bool

func selectKinds(kinds []agent.Kind) selection {
	var s selection
	if len(kinds) == 0 {
		for k := codeReadings; k < kindCodes; k++ {
			s[k] = true
		}
	}
	for _, k := range kinds {
		s[codeOf(k)] = true
	}
	s[0] = false
	return s
}

// scan is one pass over packs.
type scan struct {
	ctx   context.Context
	r     *Reader
	cat   *catalog
	head  int64 // last offset that cat knows of
	dst   []agent.Record
	from  int64 // offset of the first record wanted
	limit int   // records still wanted
	sel   selection
	roomy bool // dst has been given room for what is expected
}

func (s *scan) run() error {
	if s.sel[codeReadings] {
		return s.rows(s.r.scanAll.QueryContext(background, s.from))
	}
	only := kindCode(0)
	for k, in := range s.sel {
		if in && only != 0 {
			return s.merge()
		}
		if in {
			only = kindCode(k)
		}
	}
	if only == 0 {
		return nil
	}
	return s.rows(s.r.scanRare.QueryContext(background, s.from, int(only)))
}

// rows takes records from packs in order until there are enough.
func (s *scan) rows(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var id int64
	var kind, n int
	var body sql.RawBytes
	for s.limit > 0 && rows.Next() {
		if err := rows.Scan(&id, &kind, &n, &body); err != nil {
			return err
		}
		if id > s.head {
			break
		}
		if id+int64(n) <= s.from || kind <= 0 || kind >= int(kindCodes) || !s.sel[kind] {
			continue
		}
		if err := s.pack(id, n, body); err != nil {
			return err
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// expected is how many records the scan will find, as far as can be told at its first pack,
// of n: all that there are if readings are wanted, for most are.
func (s *scan) expected(n int) int {
	if s.sel[codeReadings] {
		return int(min(int64(s.limit), s.head-s.from+1))
	}
	return min(s.limit, n)
}

func (s *scan) pack(id int64, n int, body []byte) error {
	h, rest, err := decodeHead(body)
	if err != nil {
		return fmt.Errorf("pack at %d: %w", id, err)
	}
	if h.n != n {
		return fmt.Errorf("pack at %d: %w: holds %d records, its row says %d", id, errPack, h.n, n)
	}
	skip := 0
	if s.from > id {
		skip = int(s.from - id)
	}
	before := len(s.dst)
	if !s.roomy {
		s.dst, s.roomy = slices.Grow(s.dst, s.expected(n)), true
	}
	s.dst, err = decodeRecords(s.dst, &h, rest, s.cat.timing(&h), skip, s.limit, &s.cat.defs)
	if err != nil {
		return fmt.Errorf("pack at %d: %w", id, err)
	}
	s.limit -= len(s.dst) - before
	return nil
}

// merge walks several rare kinds at once, each by its index.
func (s *scan) merge() error {
	type head struct {
		id   int64
		n    int
		body []byte
		done bool
	}
	next := map[kindCode]*head{}
	for s.limit > 0 {
		var first *head
		var firstKind kindCode
		for k := codeScans; k < kindCodes; k++ {
			if !s.sel[k] {
				continue
			}
			h := next[k]
			if h == nil {
				h = &head{}
				err := s.r.pool.QueryRowContext(background, `SELECT id, n, body FROM log WHERE kind = ?2 AND kind <> 1
					AND id >= coalesce((SELECT max(id) FROM log WHERE kind = ?2 AND kind <> 1 AND id <= ?1), 0)
					AND id + n > ?1 ORDER BY id LIMIT 1`, s.from, int(k)).Scan(&h.id, &h.n, &h.body)
				if err != nil && !errors.Is(err, sql.ErrNoRows) {
					return err
				}
				h.done = err != nil || h.id > s.head
				next[k] = h
			}
			if !h.done && (first == nil || h.id < first.id) {
				first, firstKind = h, k
			}
		}
		if first == nil {
			return nil
		}
		if err := s.pack(first.id, first.n, first.body); err != nil {
			return err
		}
		s.from = first.id + int64(first.n)
		delete(next, firstKind)
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// reader is the attached store's reading side.
func (db *DB) reader() (*Reader, error) {
	if r := db.live.Load(); r != nil {
		return r, nil
	}
	return nil, ErrUnavailable
}

// After returns the next records after p; see Reader.After. While the store is not
// available there are none.
func (db *DB) After(ctx context.Context, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error) {
	return db.AppendAfter(ctx, nil, p, limit, kinds...)
}

// AppendAfter is After into the caller's slice; see Reader.AppendAfter.
func (db *DB) AppendAfter(ctx context.Context, dst []agent.Record, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error) {
	r := db.live.Load()
	if r == nil {
		return dst, ctx.Err()
	}
	return r.AppendAfter(ctx, dst, p, limit, kinds...)
}

// Head is the position of the last committed record, in store order; zero if there is none.
func (db *DB) Head() agent.Position {
	if r := db.live.Load(); r != nil {
		return r.Head()
	}
	return agent.Position{}
}

// Oldest is the position of the oldest record still there; zero if there is none.
func (db *DB) Oldest(ctx context.Context) (agent.Position, error) {
	r, err := db.reader()
	if err != nil {
		return agent.Position{}, fmt.Errorf("store: oldest: %w", err)
	}
	return r.Oldest(ctx)
}
