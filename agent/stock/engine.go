package stock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Engine keeps the balances. It is not safe for concurrent use: its one caller is the
// writer, which commits movements together with the scans that caused them.
type Engine struct {
	items   []Item
	byID    map[agent.ItemID]int
	codes   codes
	readers map[agent.ReaderID]Reader

	balances map[place]int64 // known balances; also zero ones
	seen     map[sighting]agent.Instant
	counts   map[counting]count
}

// place is where a balance is kept.
type place struct {
	item agent.ItemID
	zone agent.ZoneID
}

// sighting is a code at a reader.
type sighting struct {
	reader agent.ReaderID
	code   string
}

// counting is a count under way of one item at one reader.
type counting struct {
	reader agent.ReaderID
	item   agent.ItemID
}

type count struct {
	n    int64
	last agent.Instant
}

// maxSeen bounds the memory for codes that are one piece when seen again. The oldest are
// forgotten first, so that more codes than this within one window may count twice.
const maxSeen = 8192

// Output is what a scan brought about.
type Output struct {
	Events  []agent.Event // movements
	Levels  []Level       // of the items that moved, for the alarm engine
	Unknown []Unknown     // codes that stand for no item, for the alarm engine
}

// Level is how much there is of an item where its minimum has to be. Its fields are those of
// the alarm engine's input.
type Level struct {
	Item     agent.ItemID
	Zone     agent.ZoneID
	Quantity int64
	Minimum  int64
}

// Unknown is a code that stands for no item. Its fields are those of the alarm engine's input.
type Unknown struct {
	Reader agent.ReaderID
	Zone   agent.ZoneID
	Code   string
}

// Balance is how much there is of an item in a zone.
type Balance struct {
	Item     agent.ItemID `json:"item"`
	Name     string       `json:"name,omitempty"`
	Zone     agent.ZoneID `json:"zone"`
	Quantity int64        `json:"quantity"`
}

// New makes an engine that knows of no movement. The error joins everything that is wrong.
func New(items []Item, readers []Reader) (*Engine, error) {
	e := &Engine{
		items:    slices.Clone(items),
		byID:     make(map[agent.ItemID]int, len(items)),
		codes:    codes{exact: map[string]int{}, folded: map[string]int{}},
		readers:  make(map[agent.ReaderID]Reader, len(readers)),
		balances: map[place]int64{},
		seen:     map[sighting]agent.Instant{},
		counts:   map[counting]count{},
	}
	var errs []error
	for n := range e.items {
		it := &e.items[n]
		if _, twice := e.byID[it.ID]; twice {
			errs = append(errs, fmt.Errorf("item %s: %w", it.ID, ErrItemTwice))
			continue
		}
		e.byID[it.ID] = n
		if err := errors.Join(it.Check(), e.codes.add(n, it)); err != nil {
			errs = append(errs, fmt.Errorf("item %s: %w", it.ID, err))
		}
	}
	e.codes.sort()
	for _, r := range readers {
		switch r.Direction {
		case agent.DirectionIn, agent.DirectionOut, agent.DirectionCount:
		default:
			errs = append(errs, fmt.Errorf("reader %s: direction %q: %w", r.ID, r.Direction, ErrDirection))
		}
		if r.Window == 0 {
			r.Window = DefaultWindow
		}
		e.readers[r.ID] = r
	}
	return e, errors.Join(errs...)
}

// Scan takes in a code that a reader saw. Scans at other readers than those of New, and
// codes seen again within the reader's window, bring about nothing.
func (e *Engine) Scan(s *agent.Scan) Output {
	r, ok := e.readers[s.Reader]
	if !ok {
		return Output{}
	}
	n, serial, known := e.codes.find(s)
	window := r.Window
	if serial && known && r.Direction == agent.DirectionCount {
		window = max(window, CountPause)
	}
	if e.again(s, window) {
		return Output{}
	}
	if !known {
		return Output{Unknown: []Unknown{{Reader: r.ID, Zone: r.Zone, Code: s.Code}}}
	}
	quantity := max(1, e.items[n].Pieces)
	if r.Direction == agent.DirectionCount {
		quantity *= e.countOn(counting{r.ID, e.items[n].ID}, s.At)
	}
	return e.move(s.At, agent.Movement{
		Item: e.items[n].ID, Zone: r.Zone, Direction: r.Direction, Quantity: quantity, Reader: r.ID, Code: s.Code,
	})
}

// move makes the movement and completes it with the balance that follows.
func (e *Engine) move(at agent.Instant, m agent.Movement) Output {
	p := place{m.Item, m.Zone}
	have, known := e.balances[p]
	m.Balance = have
	switch m.Direction {
	case agent.DirectionIn:
		m.Balance = have + m.Quantity
	case agent.DirectionCount:
		m.Balance = m.Quantity
	case agent.DirectionOut:
		m.Balance = max(0, have-m.Quantity)
		if short := m.Quantity - have; short > 0 {
			m.Comment = outText(short, known)
		}
	}
	e.balances[p] = m.Balance
	return Output{
		Events: []agent.Event{{At: at, Kind: agent.EventStock, Stock: &m}},
		Levels: []Level{e.level(&e.items[e.byID[m.Item]])},
	}
}

func outText(short int64, known bool) string {
	if !known {
		return "went out of a zone where none had come in or been counted"
	}
	return fmt.Sprintf("went out though the balance was %d too low", short)
}

// again reports whether the code was seen at this reader less than window ago, and
// remembers that it is seen now: a tag that stays before a reader stays one piece.
func (e *Engine) again(s *agent.Scan, window time.Duration) bool {
	if window <= 0 {
		return false
	}
	key := sighting{s.Reader, s.Code}
	last, seen := e.seen[key]
	if since, ok := s.At.Sub(last); seen && ok && since < window && since > -window {
		if since > 0 {
			e.seen[key] = s.At
		}
		return true
	}
	if len(e.seen) >= maxSeen {
		e.forget(s.At)
	}
	e.seen[key] = s.At
	return false
}

// forget makes room: codes out of every window go, else the older half.
func (e *Engine) forget(now agent.Instant) {
	type aged struct {
		key sighting
		age time.Duration
	}
	var all []aged
	for key, last := range e.seen {
		age, ok := now.Sub(last)
		if !ok || age > CountPause && age > e.readers[key.reader].Window {
			delete(e.seen, key)
			continue
		}
		all = append(all, aged{key, age})
	}
	if len(all) < maxSeen {
		return
	}
	slices.SortFunc(all, func(a, b aged) int {
		return cmp.Or(cmp.Compare(b.age, a.age), strings.Compare(a.key.code, b.key.code), cmp.Compare(a.key.reader, b.key.reader))
	})
	for _, a := range all[:len(all)/2] {
		delete(e.seen, a.key)
	}
}

// countOn is the number of the piece in the count under way.
func (e *Engine) countOn(key counting, at agent.Instant) int64 {
	c := e.counts[key]
	if since, ok := at.Sub(c.last); !ok || since > CountPause {
		c.n = 0
	}
	c.n++
	c.last = at
	e.counts[key] = c
	return c.n
}

// level adds up what there is of an item where its minimum has to be.
func (e *Engine) level(it *Item) Level {
	l := Level{Item: it.ID, Zone: it.Zone, Minimum: it.Minimum}
	for p, n := range e.balances {
		if p.item == it.ID && (it.Zone == "" || p.zone == it.Zone) {
			l.Quantity += n
		}
	}
	return l
}

// Items lists the items in the order of New.
func (e *Engine) Items() []Item { return slices.Clone(e.items) }

// Levels lists the levels of all items that ever moved, for the alarm engine after a start
// with another config: minimums may have changed.
func (e *Engine) Levels() []Level {
	moved := map[agent.ItemID]bool{}
	for p := range e.balances {
		moved[p.item] = true
	}
	var all []Level
	for n := range e.items {
		if moved[e.items[n].ID] {
			all = append(all, e.level(&e.items[n]))
		}
	}
	return all
}

// Balances lists what there is, by item in the order of New, then by zone. Balances of
// items that are no longer in the config are kept and listed last.
func (e *Engine) Balances() []Balance {
	all := make([]Balance, 0, len(e.balances))
	for p, n := range e.balances {
		b := Balance{Item: p.item, Zone: p.zone, Quantity: n}
		if i, ok := e.byID[p.item]; ok {
			b.Name = e.items[i].Name
		}
		all = append(all, b)
	}
	rank := func(b Balance) int {
		if i, ok := e.byID[b.Item]; ok {
			return i
		}
		return len(e.items)
	}
	slices.SortFunc(all, func(a, b Balance) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Zone, b.Zone))
	})
	return all
}

// Goods lists the items of which there is any in the zone, in alphabetical order. It is what an
// excursion's alarm names.
func (e *Engine) Goods(zone agent.ZoneID) []agent.ItemID {
	var all []agent.ItemID
	for p, n := range e.balances {
		if p.zone == zone && n > 0 {
			all = append(all, p.item)
		}
	}
	slices.Sort(all)
	return all
}
