package store

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/frostline/frostline/agent"
)

// catalog is what maps offsets to positions, numbers to definitions, and boots to dates.
// A catalog is immutable once published; the writer publishes a changed copy after each
// commit that changes it, so that readers need no lock.
type catalog struct {
	segs  []segment // ascending start
	defs  numbers
	boots map[agent.BootID]boot
}

// segment says that from offset start on, positions are (epoch, first + offset - start).
type segment struct {
	start int64
	epoch agent.Epoch
	first agent.Seq
}

// numbers are the definitions' numbers in this store.
type numbers struct {
	low  []agent.DefID // by number, 0 is none
	high map[uint64]agent.DefID
	of   map[agent.DefID]uint64
	next uint64
}

const lowNumbers = 4096

func (n *numbers) id(number uint64) (agent.DefID, bool) {
	if number < uint64(len(n.low)) {
		id := n.low[number]
		return id, id != 0
	}
	id, ok := n.high[number]
	return id, ok
}

func (n *numbers) add(number uint64, id agent.DefID) {
	if number < lowNumbers {
		for uint64(len(n.low)) <= number {
			n.low = append(n.low, 0)
		}
		n.low[number] = id
	} else {
		n.high[number] = id
	}
	n.of[id] = number
	n.next = max(n.next, number+1)
}

func newNumbers() numbers {
	return numbers{high: map[uint64]agent.DefID{}, of: map[agent.DefID]uint64{}, next: 1}
}

func (n *numbers) clone() numbers {
	return numbers{low: slices.Clone(n.low), high: maps.Clone(n.high), of: maps.Clone(n.of), next: n.next}
}

// boot is what the store knows of one boot of the machine. Times are Unix milliseconds.
type boot struct {
	first  int64 // offset of the boot's first record
	mono   int64 // of that record
	dated  bool  // once true, wall and trust never change
	wall   int64 // offset: wall minus mono
	trust  agent.ClockTrust
	ended  bool // ended undated: its undated records never get a date
	after  int64
	before int64
	upto   int64 // its undated records before this offset are counted into hours apart; negative once that is done
}

// countsApart reports whether a pack of this boot was dated after it was stored, so that
// its hours are counted with the boot's, not with its neighbors'.
func (b boot) countsApart(h *packHead, id int64) bool {
	return !h.dated && id < max(b.upto, -b.upto)
}

func newCatalog() *catalog { return &catalog{defs: newNumbers(), boots: map[agent.BootID]boot{}} }

// position of the record at an offset.
func (c *catalog) position(offset int64) agent.Position {
	i := sort.Search(len(c.segs), func(i int) bool { return c.segs[i].start > offset }) - 1
	if i < 0 {
		return agent.Position{}
	}
	s := c.segs[i]
	return agent.Position{Epoch: s.epoch, Seq: s.first + agent.Seq(offset-s.start)}
}

// offset is that of p or, where p is gone, of the nearest place before it. known is false
// for an epoch that this store has never seen; the offset is then before all records.
// Where several segments of the epoch could hold p, the last one does: what is salvaged
// comes after what it replaces.
func (c *catalog) offset(p agent.Position) (offset int64, known bool) {
	nearest := agent.Seq(0)
	for i := len(c.segs) - 1; i >= 0; i-- {
		s := c.segs[i]
		if s.epoch != p.Epoch {
			continue
		}
		if p.Seq < s.first {
			if !known {
				offset, known = s.start-1, true
			} else if nearest == 0 {
				offset = min(offset, s.start-1)
			}
			continue
		}
		at := s.start + int64(p.Seq-s.first)
		if i+1 == len(c.segs) || at < c.segs[i+1].start {
			return at, true
		}
		if s.first > nearest { // beyond this segment's end
			offset, known, nearest = c.segs[i+1].start-1, true, s.first
		}
	}
	return offset, known
}

// timing is how the pack's records get their wall time.
func (c *catalog) timing(h *packHead) timing {
	if h.dated {
		return timing{known: true, offset: h.offset, trust: h.trust}
	}
	b := c.boots[h.boot]
	switch {
	case b.dated:
		return timing{known: true, offset: b.wall, trust: b.trust}
	case b.ended:
		return timing{undated: &agent.Undated{After: timeOf(b.after), Before: timeOf(b.before)}}
	}
	return timing{}
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
