package main

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/frostline/frostline/agent"
)

// entry is one record as a look at the store saw it.
type entry struct {
	pos    agent.Position
	digest uint64 // of its JSON line; 0 while it has no date yet
	event  *agent.Event
}

// book is what the store was seen to hold at the end of each life. What is in it once must
// be there for ever.
type book struct {
	epochs []*chapter
	byID   map[agent.Epoch]*chapter
	alarms *paths
	stock  balances
}

// chapter is one epoch: the digests of its records, from seq 1.
type chapter struct {
	epoch   agent.Epoch
	digests []uint64
	seen    int // records seen by the look under way
}

func newBook() *book {
	return &book{byID: map[agent.Epoch]*chapter{}, alarms: newPaths(), stock: balances{}}
}

// digests of one process are comparable with each other only.
var seed = maphash.MakeSeed()

// digestOf tells contents apart; it is never 0.
func digestOf(line []byte) uint64 { return maphash.Bytes(seed, line) | 1 }

// from is where the next look begins: before the last two epochs, so that what a restart
// might have changed is read again; everything is read again if all is set.
func (b *book) from(all bool) agent.Position {
	if all || len(b.epochs) < 3 {
		return agent.Position{}
	}
	c := b.epochs[len(b.epochs)-3]
	return agent.Position{Epoch: c.epoch, Seq: agent.Seq(len(c.digests))}
}

// look holds the record after a position against what is known of it, and learns the
// rest. It returns everything that is wrong.
func (b *book) look(after agent.Position, entries []entry) []string {
	var wrong []string
	began := 0
	if c := b.byID[after.Epoch]; c != nil {
		began = slices.Index(b.epochs, c) + 1
	}
	for _, c := range b.epochs {
		c.seen = 0
	}
	for i := range entries {
		if err := b.take(&entries[i]); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	for _, c := range b.epochs[began:] {
		if c.seen != len(c.digests) {
			wrong = append(wrong, fmt.Sprintf("epoch %s: %d records were committed, %d are there", c.epoch, len(c.digests), c.seen))
		}
	}
	return wrong
}

func (b *book) take(e *entry) error {
	c := b.byID[e.pos.Epoch]
	if c == nil {
		c = &chapter{epoch: e.pos.Epoch}
		last := b.last()
		b.epochs = append(b.epochs, c)
		b.byID[c.epoch] = c
		if err := begins(e, last); err != nil {
			return err
		}
	}
	switch n := agent.Seq(len(c.digests)); {
	case e.pos.Seq == 0 || e.pos.Seq > n+1:
		return fmt.Errorf("position %s: the record before it is missing, the last is %d", e.pos, n)
	case e.pos.Seq == n+1:
		if c != b.epochs[len(b.epochs)-1] {
			return fmt.Errorf("position %s: its epoch had ended at %d", e.pos, n)
		}
		c.seen++
		c.digests = append(c.digests, e.digest)
		return b.learn(e)
	}
	c.seen++
	switch was := &c.digests[e.pos.Seq-1]; {
	case *was == 0:
		*was = e.digest // it was dated since
	case *was != e.digest:
		return fmt.Errorf("position %s has two contents", e.pos)
	}
	return nil
}

// learn follows what a new record says.
func (b *book) learn(e *entry) error {
	switch {
	case e.event == nil:
		return nil
	case e.event.Alarm != nil:
		return b.alarms.step(e.event.Alarm)
	case e.event.Stock != nil:
		return b.stock.step(e.event.Stock)
	}
	return nil
}

// begins says what is wrong with the first record of an epoch: it names the epoch before
// and its last seq.
func begins(e *entry, last agent.Position) error {
	if e.event == nil || e.event.Epoch == nil {
		return fmt.Errorf("position %s: an epoch that does not begin with what was before", e.pos)
	}
	if got := (agent.Position{Epoch: e.event.Epoch.Previous, Seq: e.event.Epoch.LastSeq}); got != last {
		return fmt.Errorf("position %s says that %s was before, want %s", e.pos, got, last)
	}
	return nil
}

// last is the newest position known; zero in an empty book.
func (b *book) last() agent.Position {
	if len(b.epochs) == 0 {
		return agent.Position{}
	}
	c := b.epochs[len(b.epochs)-1]
	return agent.Position{Epoch: c.epoch, Seq: agent.Seq(len(c.digests))}
}

// records is how many there are.
func (b *book) records() int {
	n := 0
	for _, c := range b.epochs {
		n += len(c.digests)
	}
	return n
}

// at is the digest of the record at a position; ok is false if there is none.
func (b *book) at(p agent.Position) (digest uint64, ok bool) {
	c := b.byID[p.Epoch]
	if c == nil || p.Seq == 0 || p.Seq > agent.Seq(len(c.digests)) {
		return 0, false
	}
	return c.digests[p.Seq-1], true
}

// holds says what somebody saw and the book does not hold as they saw it. who saw it
// begins each sentence.
func (b *book) holds(who string, seen []sight) (absent, doubled []string) {
	for _, s := range seen {
		switch digest, ok := b.at(s.pos); {
		case !ok:
			absent = append(absent, fmt.Sprintf("%s position %s, which is not in the store", who, s.pos))
		case digest != s.digest && digest != 0:
			doubled = append(doubled, fmt.Sprintf("%s position %s with another content than the store's", who, s.pos))
		}
	}
	return absent, doubled
}

// sight is a record that somebody outside of the store saw.
type sight struct {
	pos    agent.Position
	digest uint64
}

// lacks lists what of the record up to a position somebody did not get.
func (b *book) lacks(upTo agent.Position, got map[agent.Position]uint64) []string {
	var lost []string
	for _, c := range b.epochs {
		for i := range c.digests {
			p := agent.Position{Epoch: c.epoch, Seq: agent.Seq(i + 1)}
			if _, ok := got[p]; !ok {
				lost = append(lost, fmt.Sprintf("position %s never reached the far side", p))
			}
			if p == upTo {
				return lost
			}
		}
	}
	return lost
}
