package rehearse

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
)

// Recording is what CSV files say, in the order of time. Rows of one time keep the order in
// which they were read: the later one is the newer. It is in memory, 32 bytes a row.
type Recording struct {
	OutOfOrder int64 // rows that stood behind one of a later time below the same header; they were put in order
	SameTime   int64 // rows of a point whose time an earlier row has; both count, the later one from then on

	entries []entry
	points  []agent.PointID
	byPoint map[agent.PointID]int32
	readers []agent.ReaderID
	byRead  map[agent.ReaderID]int32
	codes   []string
	files   []string // what each file is called
}

// entry is a row: a reading of points[of] or, where fault is isScan, a scan of codes[value].
type entry struct {
	at    int64 // milliseconds since 1970
	value agent.Value
	of    int32
	line  int32
	file  int16
	fault agent.Fault
}

const isScan agent.Fault = 255

// MostYears is how much time a recording spans at most: a row of another century is a slip.
const MostYears = 90

// ErrSpan is what Bind returns for a recording that spans more.
var ErrSpan = errors.New("the rows span more years than any recording does")

// Points lists the points in the order in which they first stood in the files.
func (r *Recording) Points() []agent.PointID { return slices.Clone(r.points) }

// Rows is how many rows there are.
func (r *Recording) Rows() int { return len(r.entries) }

// Every is the interval at which each point was recorded: the median of the spacings between
// its rows. It is 0 where a point has but one time: its value holds for nobody knows how long.
func (r *Recording) Every() map[agent.PointID]time.Duration {
	spacings := make([][]time.Duration, len(r.points))
	last := make([]int64, len(r.points))
	seen := make([]bool, len(r.points))
	for i := range r.entries {
		e := &r.entries[i]
		if e.fault == isScan {
			continue
		}
		if seen[e.of] && e.at > last[e.of] {
			spacings[e.of] = append(spacings[e.of], time.Duration(e.at-last[e.of])*time.Millisecond)
		}
		last[e.of], seen[e.of] = e.at, true
	}
	every := make(map[agent.PointID]time.Duration, len(r.points))
	for i, p := range r.points {
		every[p] = climate.Median(spacings[i])
	}
	return every
}

// sort puts the rows in the order of time.
func (r *Recording) sort() {
	byTime := func(a, b entry) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(r.entries, byTime) {
		slices.SortStableFunc(r.entries, byTime)
	}
	last, seen := make([]int64, len(r.points)), make([]bool, len(r.points))
	for i := range r.entries {
		e := &r.entries[i]
		if e.fault == isScan {
			continue
		}
		if seen[e.of] && last[e.of] == e.at {
			r.SameTime++
		}
		last[e.of], seen[e.of] = e.at, true
	}
}

// boot is the boot of all recordings: there is none on record.
var boot = agent.BootID{'r', 'e', 'h', 'e', 'a', 'r', 's', 'e'}

// start is the monotonic time of a recording's first row.
const start = time.Second

// Bound is a recording whose points have definitions. Two configs make two of one.
type Bound struct {
	r    *Recording
	defs []agent.Definition
}

// Bind gives the recording's points the definitions that a config has for them; a point
// without one gets one that no rule watches. The error names the line of a value that its
// quantity cannot have, or says that the rows span too much.
func (r *Recording) Bind(defs []agent.Definition) (*Bound, error) {
	b := &Bound{r: r, defs: make([]agent.Definition, len(r.points))}
	for i, p := range r.points {
		b.defs[i] = agent.Definition{Point: p, Driver: "recording"}.Identified()
		if n := slices.IndexFunc(defs, func(d agent.Definition) bool { return d.Point == p }); n >= 0 {
			b.defs[i] = defs[n]
		}
	}
	if n := len(r.entries); n > 0 {
		first, last := &r.entries[0], &r.entries[n-1]
		if time.UnixMilli(last.at).UTC().Year()-time.UnixMilli(first.at).UTC().Year() > MostYears {
			return nil, fmt.Errorf("%w: from %s (%s) to %s (%s); correct or leave out the wrong ones", ErrSpan,
				time.UnixMilli(first.at).UTC().Format(time.RFC3339), r.place(first), time.UnixMilli(last.at).UTC().Format(time.RFC3339), r.place(last))
		}
	}
	for i := range r.entries {
		e := &r.entries[i]
		if e.fault != agent.FaultNone {
			continue
		}
		if q := b.defs[e.of].Quantity; q != "" && !q.Contains(e.value) {
			lowest, highest := q.Range()
			return nil, fmt.Errorf("%s: %s cannot be a %s: want %s to %s %s; is it another unit?", r.place(e), e.value, q, lowest, highest, q.Unit())
		}
	}
	return b, nil
}

func (r *Recording) place(e *entry) string {
	return fmt.Sprintf("%s: line %d", r.files[e.file], e.line)
}

// Rows are the rows from one time, and before another, which are open where zero. One clock
// goes through all of them: the monotonic one by as much as the rows' times tell. Before the
// first comes one that says that a trip begins and is under way: the whole is one.
func (b *Bound) Rows(from, to time.Time) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var reading agent.Reading
		begun := false
		for i := range b.r.entries {
			e := &b.r.entries[i]
			wall := time.UnixMilli(e.at).UTC()
			if !from.IsZero() && wall.Before(from) || !to.IsZero() && !wall.Before(to) {
				continue
			}
			row := Row{At: agent.Instant{
				Wall: wall, Mono: start + time.Duration(e.at-b.r.entries[0].at)*time.Millisecond, Boot: boot, Trust: agent.ClockSynced,
			}}
			if !begun && !yield(Row{At: row.At, Trip: &alarm.Trip{Begins: true, Transit: true}}, nil) {
				return
			}
			begun = true
			if e.fault == isScan {
				row.Scan = &agent.Scan{Reader: b.r.readers[e.of], At: row.At, Code: b.r.codes[e.value], Symbology: agent.SymbologyUnknown}
			} else {
				reading = agent.Reading{Def: b.defs[e.of].ID, At: row.At, Value: e.value, Raw: e.value, Fault: e.fault}
				row.Reading, row.Definition = &reading, &b.defs[e.of]
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Unwatched lists the points that no alarm that somebody wrote watches.
func (b *Bound) Unwatched(rules *Rules) []agent.PointID {
	var out []agent.PointID
	for i := range b.defs {
		if !rules.Watches(&b.defs[i]) {
			out = append(out, b.defs[i].Point)
		}
	}
	return out
}
