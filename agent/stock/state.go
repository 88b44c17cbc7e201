package stock

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// ErrState is what Restore returns for what State cannot have written.
var ErrState = errors.New("not a state of the stock engine")

const stateVersion = 1

// maxBalance is more than scans add up to in any time.
const maxBalance = 1 << 60

type saved struct {
	Version  int             `json:"v"`
	Balances []savedBalance  `json:"balances,omitempty"`
	Seen     []savedSighting `json:"seen,omitempty"`
	Counts   []savedCount    `json:"counts,omitempty"`
}

type savedBalance struct {
	Item     agent.ItemID `json:"i"`
	Zone     agent.ZoneID `json:"z"`
	Quantity int64        `json:"n"`
}

type savedSighting struct {
	Reader agent.ReaderID `json:"r"`
	Code   []byte         `json:"c"` // bytes: a code need not be text
	At     savedInstant   `json:"t"`
}

type savedCount struct {
	Reader agent.ReaderID `json:"r"`
	Item   agent.ItemID   `json:"i"`
	N      int64          `json:"n"`
	At     savedInstant   `json:"t"`
}

type savedInstant struct {
	Wall  time.Time        `json:"w,omitzero"`
	Mono  int64            `json:"m"`
	Boot  agent.BootID     `json:"b"`
	Trust agent.ClockTrust `json:"t"`
}

func saveInstant(at agent.Instant) savedInstant {
	return savedInstant{at.Wall, at.Mono.Milliseconds(), at.Boot, at.Trust}
}

func (s savedInstant) instant() agent.Instant {
	return agent.Instant{Wall: s.Wall.UTC(), Mono: time.Duration(s.Mono) * time.Millisecond, Boot: s.Boot, Trust: s.Trust}
}

// State is everything the engine remembers at now, as compact JSON. Codes that no window
// can reach any more are left out.
func (e *Engine) State(now agent.Instant) ([]byte, error) {
	s := saved{Version: stateVersion}
	for p, n := range e.balances {
		s.Balances = append(s.Balances, savedBalance{p.item, p.zone, n})
	}
	slices.SortFunc(s.Balances, func(a, b savedBalance) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Zone, b.Zone))
	})
	for k, at := range e.seen {
		if age, ok := now.Sub(at); ok && age <= max(CountPause, e.readers[k.reader].Window) {
			s.Seen = append(s.Seen, savedSighting{k.reader, []byte(k.code), saveInstant(at)})
		}
	}
	slices.SortFunc(s.Seen, func(a, b savedSighting) int {
		return cmp.Or(cmp.Compare(a.Reader, b.Reader), slices.Compare(a.Code, b.Code))
	})
	for k, c := range e.counts {
		if age, ok := now.Sub(c.last); ok && age <= CountPause {
			s.Counts = append(s.Counts, savedCount{k.reader, k.item, c.n, saveInstant(c.last)})
		}
	}
	slices.SortFunc(s.Counts, func(a, b savedCount) int {
		return cmp.Or(cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Item, b.Item))
	})
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("stock: state: %w", err)
	}
	return text, nil
}

// Restore makes a new engine go on where the one that wrote the state stopped, which may
// have had other items and readers. On an error nothing has changed.
func (e *Engine) Restore(state []byte) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrState, s.Version, stateVersion)
	}
	if len(s.Seen) > maxSeen {
		return fmt.Errorf("%w: %d codes seen", ErrState, len(s.Seen))
	}
	for _, b := range s.Balances {
		if b.Quantity < 0 || b.Quantity > maxBalance {
			return fmt.Errorf("%w: %d of %s", ErrState, b.Quantity, b.Item)
		}
	}
	clear(e.balances)
	clear(e.seen)
	clear(e.counts)
	for _, b := range s.Balances {
		e.balances[place{b.Item, b.Zone}] = b.Quantity
	}
	for _, v := range s.Seen {
		e.seen[sighting{v.Reader, string(v.Code)}] = v.At.instant()
	}
	for _, c := range s.Counts {
		e.counts[counting{c.Reader, c.Item}] = count{c.N, c.At.instant()}
	}
	return nil
}
