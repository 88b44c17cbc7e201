package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent"
)

// Stat is what `frostline store stat` shows.
type Stat struct {
	Schema      int                  `json:"schema"`
	Head        agent.Position       `json:"head"`
	Oldest      agent.Position       `json:"oldest"`
	OldestTime  time.Time            `json:"oldest_time,omitzero"`
	NewestTime  time.Time            `json:"newest_time,omitzero"`
	Records     map[agent.Kind]int64 `json:"records"`
	Epochs      []EpochStat          `json:"epochs"`
	Definitions int                  `json:"definitions"`
	Bytes       int64                `json:"bytes"`      // of the database file
	LiveBytes   int64                `json:"live_bytes"` // of it in use
	WALBytes    int64                `json:"wal_bytes"`
	FreeBytes   int64                `json:"free_bytes"` // of the disk
	Cursors     []CursorStat         `json:"cursors"`
	Quarantined int64                `json:"quarantined"`
	Dropped     dropped              `json:"dropped"`   // records removed or lost untaken, ever
	InMemory    int64                `json:"in_memory"` // records that no commit has taken yet
	SetAside    []string             `json:"set_aside,omitempty"`
	// HoldDays is how long keep lasts at the rate of the records that are there: until
	// bytes or free is reached from empty, or age. 0 where nothing limits it or the rate is not known.
	HoldDays float64 `json:"hold_days,omitempty"`
}

// EpochStat is one epoch's part of the store, in store order.
type EpochStat struct {
	Epoch  agent.Epoch `json:"epoch"`
	First  agent.Seq   `json:"first"`            // first seq, whether or not it is still there
	Last   agent.Seq   `json:"last"`             // last seq
	Reason string      `json:"reason,omitempty"` // why it began; empty where that record is gone
}

// CursorStat is where an upstream stands on one lane.
type CursorStat struct {
	Upstream agent.UpstreamID `json:"upstream"`
	Lane     string           `json:"lane"`
	Position agent.Position   `json:"position"`
	Taken    int64            `json:"taken"`   // records of the lane up to the cursor that are still there
	Waiting  int64            `json:"waiting"` // records of the lane after it
}

// Stat measures the store.
func (db *DB) Stat(ctx context.Context) (Stat, error) {
	db.mu.Lock()
	memory := int64(db.q.records + db.q.flying)
	db.mu.Unlock()
	r, err := db.reader()
	if err != nil {
		return Stat{InMemory: memory}, fmt.Errorf("store: stat: %w", err)
	}
	st, err := r.Stat(ctx)
	st.InMemory = memory
	st.HoldDays = holdDays(st, db.opt.Keep)
	return st, err
}

// Stat measures the store.
func (r *Reader) Stat(ctx context.Context) (Stat, error) {
	st, err := guard(ctx, r.stat)
	if err != nil {
		return st, fmt.Errorf("store: stat: %w", r.report(err))
	}
	return st, nil
}

func (r *Reader) stat() (Stat, error) {
	cat, head := r.cat.Load(), r.head.Load()
	st := Stat{Head: r.Head(), Records: map[agent.Kind]int64{}, Definitions: len(cat.defs.of)}
	counts, err := r.waits.after(r, Cursor{}, 0)
	if err != nil {
		return st, err
	}
	for k := codeReadings; k < kindCodes; k++ {
		st.Records[k.kind()] = counts[k]
	}
	if err := r.statFile(&st); err != nil {
		return st, err
	}
	if err := r.statTimes(&st, cat); err != nil {
		return st, err
	}
	if st.Epochs, err = r.statEpochs(cat, head); err != nil {
		return st, err
	}
	if err := r.pool.QueryRowContext(background, "SELECT count(*) FROM quarantine").Scan(&st.Quarantined); err != nil {
		return st, err
	}
	if st.Dropped, err = readDropped(r.pool); err != nil {
		return st, err
	}
	return st, r.statCursors(&st, cat, counts)
}

func (r *Reader) statFile(st *Stat) error {
	for pragma, into := range map[string]*int64{"page_count": &st.Bytes, "freelist_count": &st.LiveBytes} {
		if err := r.pool.QueryRowContext(background, "PRAGMA "+pragma).Scan(into); err != nil {
			return err
		}
	}
	st.LiveBytes = (st.Bytes - st.LiveBytes) * pageSize
	st.Bytes = sizeOf(r.path)
	if err := r.pool.QueryRowContext(background, "PRAGMA user_version").Scan(&st.Schema); err != nil {
		return err
	}
	st.WALBytes = sizeOf(r.path + "-wal")
	var fsys unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(r.path), &fsys); err != nil {
		return err
	}
	st.FreeBytes = int64(fsys.Bavail) * int64(fsys.Bsize) //nolint:unconvert // they are narrower on some architectures
	for _, why := range []string{"damaged", "newer"} {
		names, err := filepath.Glob(r.path + "." + why + "-*")
		if err != nil {
			return err
		}
		for _, name := range names {
			if suffix := filepath.Ext(name); len(name) > 4 && name[len(name)-4:] != "-wal" && name[len(name)-4:] != "-shm" && suffix != "" {
				st.SetAside = append(st.SetAside, filepath.Base(name))
			}
		}
	}
	return nil
}

func (r *Reader) statTimes(st *Stat, cat *catalog) error {
	var id sql.NullInt64
	if err := r.pool.QueryRowContext(background, "SELECT min(id) FROM log").Scan(&id); err != nil {
		return err
	}
	st.Oldest = cat.position(id.Int64)
	for query, into := range map[string]*time.Time{
		"SELECT body FROM log ORDER BY id LIMIT 64":      &st.OldestTime,
		"SELECT body FROM log ORDER BY id DESC LIMIT 64": &st.NewestTime,
	} {
		rows, err := r.pool.QueryContext(background, query)
		if err != nil {
			return err
		}
		for rows.Next() && into.IsZero() {
			var body sql.RawBytes
			if err := rows.Scan(&body); err != nil {
				rows.Close() //nolint:errcheck // the scan's error says more
				return err
			}
			h, _, err := decodeHead(body)
			if err != nil {
				rows.Close() //nolint:errcheck // the decoding error says more
				return err
			}
			if t := cat.timing(&h); t.known {
				*into = timeOf(h.base + t.offset)
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	if newest := timeOf(r.newest.Load()); newest.After(st.NewestTime) {
		st.NewestTime = newest
	}
	return nil
}

func (r *Reader) statEpochs(cat *catalog, head int64) ([]EpochStat, error) {
	var all []EpochStat
	at := map[agent.Epoch]int{}
	for i, s := range cat.segs {
		end := head + 1
		if i+1 < len(cat.segs) {
			end = cat.segs[i+1].start
		}
		if end <= s.start {
			continue
		}
		last := s.first + agent.Seq(end-s.start) - 1
		j, known := at[s.epoch]
		if !known {
			j = len(all)
			at[s.epoch] = j
			all = append(all, EpochStat{Epoch: s.epoch, First: s.first})
		}
		all[j].First, all[j].Last = min(all[j].First, s.first), max(all[j].Last, last)
	}
	for i := range all {
		first, ok, err := r.At(background, agent.Position{Epoch: all[i].Epoch, Seq: 1})
		if err != nil {
			return nil, err
		}
		if ok && first.Event != nil && first.Event.Epoch != nil {
			all[i].Reason = first.Event.Epoch.Reason
		}
	}
	return all, nil
}

func (r *Reader) statCursors(st *Stat, cat *catalog, all kindCounts) error {
	st.Cursors = []CursorStat{}
	cursors, err := r.cursors()
	if err != nil {
		return err
	}
	for c, s := range cursors {
		var at int64
		if !s.Position.IsZero() {
			at, _ = cat.offset(s.Position)
		}
		left, err := r.waits.after(r, c, at)
		if err != nil {
			return err
		}
		cs := CursorStat{Upstream: c.Upstream, Lane: c.Lane, Position: s.Position}
		for k := codeReadings; k < kindCodes; k++ {
			if laneOf(k) == c.Lane {
				cs.Waiting += left[k]
				cs.Taken += all[k] - left[k]
			}
		}
		st.Cursors = append(st.Cursors, cs)
	}
	sortCursors(st.Cursors)
	return nil
}

// holdDays forecasts how long keep lasts from the bytes and the time span of what is there.
func holdDays(st Stat, k Keep) float64 {
	const day = float64(24 * time.Hour)
	days := math.Inf(1)
	if k.Age > 0 {
		days = float64(k.Age) / day
	}
	span := st.NewestTime.Sub(st.OldestTime)
	if span > time.Minute && st.LiveBytes > 0 {
		perDay := float64(st.LiveBytes) / (float64(span) / day)
		if k.Bytes > 0 {
			days = min(days, float64(k.Bytes)/perDay)
		}
		if k.Free > 0 {
			days = min(days, float64(max(0, st.FreeBytes+st.LiveBytes-k.Free))/perDay)
		}
	}
	if math.IsInf(days, 1) {
		return 0
	}
	return math.Round(days*10) / 10
}
