package stock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Item is something of which stock is kept.
type Item struct {
	ID      agent.ItemID // for ever
	Name    string       // what people call it
	Minimum int64        // fewest pieces that there should be; 0 if it may run out
	// Codes stand for the item: barcodes as read, EPCs and tag UIDs in hexadecimal. A trailing
	// * stands for any ending: the code then has a serial number and names one thing.
	Codes  []string
	Zone   agent.ZoneID // where the minimum has to be; empty for all zones together
	Pieces int64        // pieces that one scan stands for; 1 if 0
}

// Reader is a scanner or tag reader whose scans are movements.
type Reader struct {
	ID        agent.ReaderID
	Zone      agent.ZoneID // where goods come in, go out or are counted
	Direction agent.Direction
	Window    time.Duration // a code seen again within this time is the same piece; DefaultWindow if 0, never if negative
}

const (
	// DefaultWindow is for how long a code that is seen again and again is one piece: tags
	// and barcodes are read several times while a pallet passes.
	DefaultWindow = 3 * time.Second
	// CountPause ends a count: the next scan of the item at this reader begins a new one. Within
	// a count a serial number counts once.
	CountPause = 10 * time.Minute

	maxPieces = 1_000_000
)

// Errors of New.
var (
	ErrMinimum   = errors.New("minimum must not be negative")
	ErrPieces    = errors.New("pieces must be from 0 to a million")
	ErrCode      = errors.New("a code is empty")
	ErrCodeTwice = errors.New("a code stands for two items")
	ErrItemTwice = errors.New("two items with this id")
	ErrDirection = errors.New("not a direction: want in, out or count")
)

// Check says what is wrong with the item itself; nil if nothing is.
func (it *Item) Check() error {
	var errs []error
	if err := agent.CheckID(string(it.ID)); err != nil {
		errs = append(errs, fmt.Errorf("id %w", err))
	}
	if it.Minimum < 0 {
		errs = append(errs, ErrMinimum)
	}
	if it.Pieces < 0 || it.Pieces > maxPieces {
		errs = append(errs, ErrPieces)
	}
	if it.Zone != "" {
		if err := agent.CheckID(string(it.Zone)); err != nil {
			errs = append(errs, fmt.Errorf("zone %w", err))
		}
	}
	for _, c := range it.Codes {
		if strings.TrimSuffix(c, "*") == "" {
			errs = append(errs, fmt.Errorf("%q: %w", c, ErrCode))
		}
	}
	return errors.Join(errs...)
}

// codes finds items by what was read.
type codes struct {
	exact    map[string]int
	folded   map[string]int // exact in upper case, for hexadecimal codes
	prefixes []prefix       // longest first
}

type prefix struct {
	text string
	item int
}

// add makes the codes of items[n] findable. EPCs and UIDs are hexadecimal: their case does not matter.
func (c *codes) add(n int, it *Item) error {
	var errs []error
	for _, code := range it.Codes {
		if text, ok := strings.CutSuffix(code, "*"); ok {
			if slices.ContainsFunc(c.prefixes, func(p prefix) bool { return p.text == text }) {
				errs = append(errs, fmt.Errorf("%q: %w", code, ErrCodeTwice))
				continue
			}
			c.prefixes = append(c.prefixes, prefix{text, n})
			continue
		}
		if other, taken := c.exact[code]; taken && other != n {
			errs = append(errs, fmt.Errorf("%q: %w", code, ErrCodeTwice))
			continue
		}
		c.exact[code] = n
		if _, taken := c.folded[strings.ToUpper(code)]; !taken {
			c.folded[strings.ToUpper(code)] = n
		}
	}
	return errors.Join(errs...)
}

// sort puts the longest prefixes first: the closest match wins.
func (c *codes) sort() {
	slices.SortStableFunc(c.prefixes, func(a, b prefix) int { return len(b.text) - len(a.text) })
}

// find is the item that a scan stands for; serial says that the code names one piece.
func (c *codes) find(s *agent.Scan) (item int, serial, ok bool) {
	hexadecimal := s.Symbology == agent.SymbologyEPC || s.Symbology == agent.SymbologyNFC
	if n, ok := c.exact[s.Code]; ok {
		return n, hexadecimal, true
	}
	if hexadecimal {
		if n, ok := c.folded[strings.ToUpper(s.Code)]; ok {
			return n, true, true
		}
	}
	for _, p := range c.prefixes {
		if strings.HasPrefix(s.Code, p.text) ||
			hexadecimal && len(s.Code) >= len(p.text) && strings.EqualFold(s.Code[:len(p.text)], p.text) {
			return p.item, true, true
		}
	}
	return 0, false, false
}
