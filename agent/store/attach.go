package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/frostline/frostline/agent"
)

// The store's own notes in the table state.
const (
	noteEpoch   = "store/epoch"   // 8 bytes: the running epoch
	noteClean   = "store/clean"   // 1 after a clean stop, 0 from the first commit on
	noteMachine = "store/machine" // the machine id
	noteCopy    = "store/copy"    // 1 in a backup: opening it is a restore
	noteSalvage = "store/salvage" // JSON of salvage: a set-aside file still to be read
	noteMark    = "store/mark"    // of the last transaction that must not be done twice
	noteHours   = "store/hours"   // 8 bytes: hours of records up to this offset are in the table
	noteDropped = "store/dropped" // JSON of counts: what was ever dropped
	noteVersion = "store/version" // of the agent that wrote last
	noteCursor  = "cursor/"       // cursor/<lane>/<upstream>
	noteUser    = "state/"        // what SaveState and WithState keep
)

// session is an attached database file. The writer's goroutine owns it.
type session struct {
	dir, path            string
	pool                 *sql.DB
	conn                 *sql.Conn
	insertPack, putState *sql.Stmt
	reader               *Reader
	cat                  *catalog
	defs                 map[agent.DefID]agent.Definition

	epoch  agent.Epoch
	seq    agent.Seq         // of the next record
	next   int64             // offset of the next record
	begin  *agent.EpochEvent // to be written as the first record of the epoch
	opened bool              // the clean mark is gone from the file
	newest int64             // Unix milliseconds of the newest dated record
	counts dropped
	hours  *hourly
	aside  *salvage // a set-aside file to be read, or nil
	news   []notice

	counting []counting
	busy     bool  // retention has more to do
	walPages int64 // written since the last checkpoint, estimated
	walSize  int64 // at the last look
	walLimit int64 // as the connection was told

	checkpointing sync.Mutex // held during a checkpoint, and while gone is set
	gone          bool       // the file is about to be closed or renamed
}

// notice is a condition that attaching found.
type notice struct{ code, detail string }

// dropped counts records that were removed or lost without having been taken.
type dropped struct {
	Retention int64 `json:"retention"`
	Memory    int64 `json:"memory"`
	Damage    int64 `json:"damage"`
}

// close closes the writing connection first: with readers still there it is not the last
// one, and leaves the WAL as it is.
func (s *session) close() {
	s.checkpointing.Lock()
	s.gone = true
	s.checkpointing.Unlock()
	s.disconnect()
	if s.reader != nil {
		s.reader.Close() //nolint:errcheck // it only read
	}
}

// disconnect closes the writing connection. Its statements go first: with one of them open
// SQLite keeps the connection for ever.
func (s *session) disconnect() {
	for _, stmt := range []*sql.Stmt{s.insertPack, s.putState} {
		if stmt != nil {
			stmt.Close() //nolint:errcheck // what had to be durable was committed
		}
	}
	if s.conn != nil {
		s.conn.Close() //nolint:errcheck // as above
	}
	if s.pool != nil {
		s.pool.Close() //nolint:errcheck // as above
	}
	s.insertPack, s.putState, s.conn, s.pool, s.walLimit = nil, nil, nil, nil, 0
}

// attach opens the database file, setting a damaged or newer one aside.
func (db *DB) attach() (*session, error) {
	if err := os.MkdirAll(db.opt.Dir, 0o750); err != nil {
		return nil, err
	}
	db.mu.Lock()
	locked := db.lock != nil
	db.mu.Unlock()
	if !locked {
		f, err := lockStore(db.opt.Dir)
		if err != nil {
			return nil, err
		}
		db.mu.Lock()
		db.lock = f
		db.mu.Unlock()
	}
	if err := db.opt.Fault("attach"); err != nil {
		return nil, err
	}
	path := filepath.Join(db.opt.Dir, fileName)
	if err := adoptCopy(path, db.opt.Now()); err != nil {
		return nil, err
	}
	if err := reunite(path); err != nil {
		return nil, err
	}
	s, err := db.openSession(path, nil)
	switch {
	case errors.Is(err, errNewer):
		aside, moved := setAside(path, "newer", db.opt.Now())
		if moved != nil {
			return nil, errors.Join(err, moved)
		}
		s, err = db.openSession(path, nil)
		if err == nil {
			s.news = append(s.news, notice{"store-newer", "set aside as " + filepath.Base(aside)})
		}
	case err != nil && troubleOf(err) == troubleDamaged:
		return db.replace(path, err)
	}
	return s, err
}

// replace sets a damaged file aside and begins a fresh one that carries over what can be
// read at once; the records follow in the background.
func (db *DB) replace(path string, cause error) (*session, error) {
	aside, err := setAside(path, "damaged", db.opt.Now())
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	c := readCarry(aside)
	c.cause = cause.Error()
	s, err := db.openSession(path, c)
	if err != nil {
		return nil, fmt.Errorf("replace damaged store: %w", err)
	}
	s.news = append(s.news, notice{"store-damaged", fmt.Sprintf("set aside as %s: %s", filepath.Base(aside), c.cause)})
	return s, nil
}

// openSession opens or creates the file. carry, if not nil, is what a fresh file begins with.
func (db *DB) openSession(path string, c *carry) (_ *session, err error) {
	version, exists, err := peekVersion(path)
	if err != nil {
		return nil, err
	}
	if version > SchemaVersion() {
		return nil, fmt.Errorf("%w: %d, this agent knows %d", errNewer, version, SchemaVersion())
	}
	if !exists && c == nil {
		// A WAL without its database belongs to something that was deleted.
		if err := removeOrphans(path); err != nil {
			return nil, err
		}
	}
	if exists {
		if err := checkWAL(path + "-wal"); err != nil {
			return nil, err
		}
	}
	s := &session{dir: filepath.Dir(path), path: path, defs: map[agent.DefID]agent.Definition{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if exists {
		// Read first: a damaged file must be found so before anything may write to it. The
		// readers also keep the writer's connection from being the last, which would move
		// the WAL into the file when it closes.
		if err = s.examine(); err != nil {
			return nil, err
		}
	} else if err = createFile(path); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	if s.pool, s.conn, err = openWriter(path); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err = migrate(background, s.conn); err != nil {
		return nil, err
	}
	if c == nil {
		if c, err = s.unfinished(); err != nil {
			return nil, err
		}
	}
	if c != nil {
		if err = c.write(s.conn); err != nil {
			return nil, fmt.Errorf("carry over: %w", err)
		}
		s.cat = nil
	}
	if s.cat == nil {
		if err = s.load(s.conn); err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
	}
	if err = s.beginEpoch(db.opt.MachineID, c); err != nil {
		return nil, err
	}
	if s.reader == nil {
		s.reader = newReader(openReaders(path), path)
	}
	s.reader.cat.Store(s.cat)
	s.reader.publish(s.next - 1)
	s.reader.newest.Store(s.newest)
	s.reader.definition = db.Definition
	if err = s.reader.ping(); err != nil {
		return nil, fmt.Errorf("open for reading: %w", err)
	}
	if err = s.loadHours(); err != nil {
		return nil, fmt.Errorf("load hours: %w", err)
	}
	return s, nil
}

// examine loads an existing file through the readers, unless it first has to be migrated.
func (s *session) examine() error {
	s.reader = newReader(openReaders(s.path), s.path)
	var version int
	if err := s.reader.pool.QueryRowContext(background, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version > SchemaVersion() {
		return fmt.Errorf("%w: %d, this agent knows %d", errNewer, version, SchemaVersion())
	}
	if version < SchemaVersion() {
		return nil
	}
	if err := s.load(s.reader.pool); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func removeOrphans(path string) error {
	for _, suffix := range []string{"-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if info.Size() > 0 && suffix == "-wal" {
			return fmt.Errorf("%w: the database is gone and its WAL is not", errDamaged)
		}
		if err := os.Remove(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

// load reads the catalog, the notes, and the tail of the log.
func (s *session) load(q querier) error {
	cat, defs, err := loadCatalog(q)
	if err != nil {
		return err
	}
	s.cat, s.defs = cat, defs
	if err := s.loadTail(q); err != nil {
		return err
	}
	if v, ok, err := getNote(q, noteEpoch); err != nil {
		return err
	} else if ok {
		if len(v) != 8 {
			return fmt.Errorf("%w: epoch note", errDamaged)
		}
		s.epoch = agent.Epoch(binary.LittleEndian.Uint64(v))
	}
	if v, ok, err := getNote(q, noteDropped); err != nil {
		return err
	} else if ok && json.Unmarshal(v, &s.counts) != nil {
		return fmt.Errorf("%w: dropped counts", errDamaged)
	}
	if v, ok, err := getNote(q, noteSalvage); err != nil {
		return err
	} else if ok {
		s.aside = &salvage{}
		if err := json.Unmarshal(v, s.aside); err != nil {
			return fmt.Errorf("%w: salvage note", errDamaged)
		}
	}
	return nil
}

// loadTail finds the next offset and the newest date, and checks the last packs on the way:
// a file that lost its end is found damaged at start, not by the first reader.
func (s *session) loadTail(q querier) error {
	s.next = 1
	if len(s.cat.segs) > 0 {
		s.next = s.cat.segs[len(s.cat.segs)-1].start
	}
	rows, err := q.QueryContext(background, "SELECT id, kind, n, body FROM log ORDER BY id DESC LIMIT 64")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var kind, n int
		var body sql.RawBytes
		if err := rows.Scan(&id, &kind, &n, &body); err != nil {
			return err
		}
		h, rest, err := decodeHead(body)
		if err != nil {
			return fmt.Errorf("pack at %d: %w", id, err)
		}
		if int(h.kind) != kind || h.n != n || s.cat.position(id) != h.pos {
			return fmt.Errorf("%w: pack at %d is not what its row says", errDamaged, id)
		}
		t := s.cat.timing(&h)
		if _, err := decodeRecords(nil, &h, rest, t, 0, 0, &s.cat.defs); err != nil {
			return fmt.Errorf("pack at %d: %w", id, err)
		}
		s.next = max(s.next, id+int64(n))
		if t.known {
			s.newest = max(s.newest, h.base+t.offset)
		}
	}
	for _, b := range s.cat.boots {
		s.newest = max(s.newest, b.after, b.before)
	}
	return rows.Err()
}

// beginEpoch decides whether the epoch of the file goes on.
func (s *session) beginEpoch(machine string, c *carry) error {
	clean, err := noteIs(s.conn, noteClean, 1)
	if err != nil {
		return err
	}
	isCopy, err := noteIs(s.conn, noteCopy, 1)
	if err != nil {
		return err
	}
	was, hasMachine, err := getNote(s.conn, noteMachine)
	if err != nil {
		return err
	}
	last := s.lastSeq(s.epoch)
	reason := ""
	switch {
	case c != nil:
		reason = "damaged"
		s.epoch, last = c.epoch, c.lastSeq
	case s.epoch == 0:
		reason = "new"
	case isCopy:
		reason = "restored"
	case hasMachine && machine != "" && string(was) != machine:
		reason = "machine"
	case !clean:
		reason = "unclean"
	}
	if reason == "" {
		s.seq = last + 1
		return nil
	}
	s.begin = &agent.EpochEvent{Previous: s.epoch, LastSeq: last, Reason: reason}
	s.epoch, s.seq = newEpoch(), 1
	return nil
}

// lastSeq is the last seq of an epoch that the file holds, 0 if none.
func (s *session) lastSeq(e agent.Epoch) agent.Seq {
	for i := len(s.cat.segs) - 1; i >= 0; i-- {
		seg := s.cat.segs[i]
		if seg.epoch != e {
			continue
		}
		end := s.next
		if i+1 < len(s.cat.segs) {
			end = s.cat.segs[i+1].start
		}
		return seg.first + agent.Seq(end-seg.start) - 1
	}
	return 0
}

func newEpoch() agent.Epoch {
	var b [8]byte
	for {
		if _, err := rand.Read(b[:]); err != nil {
			panic("store: random epoch: " + err.Error())
		}
		if e := agent.Epoch(binary.LittleEndian.Uint64(b[:])); e != 0 {
			return e
		}
	}
}

// userNote is the row name of a caller's state.
func userNote(name string) string { return noteUser + name }

// cursorNote is the row name of a cursor.
func cursorNote(c Cursor) string { return noteCursor + c.Lane + "/" + string(c.Upstream) }

func parseCursorNote(name string) (Cursor, bool) {
	lane, up, ok := strings.Cut(strings.TrimPrefix(name, noteCursor), "/")
	return Cursor{Upstream: agent.UpstreamID(up), Lane: lane}, ok && strings.HasPrefix(name, noteCursor)
}
