package store

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// context is what a record shares with its neighbors in a pack. It decides whether the
// record is dated by its own wall time, and makes its boot known.
func (p *planner) context(r *agent.Record) clockContext {
	at := r.At()
	c := clockContext{boot: at.Boot, trust: at.Trust}
	b, known := p.cat.boots[at.Boot]
	if !at.Wall.IsZero() && at.Trust != agent.ClockUnset {
		c.wall = true
		c.offset = at.Wall.UnixMilli() - millis(at.Mono)
		c.dated = !b.ended && (at.Trust >= p.from || b.dated && at.Trust >= b.trust)
	}
	if !known {
		b = boot{first: p.tx.next, mono: millis(at.Mono), after: p.tx.newest}
		p.putBoot(at.Boot, b)
	}
	if c.dated {
		if !b.dated {
			p.dateBoot(at.Boot, c.offset, at.Trust)
		}
		p.tx.newest = max(p.tx.newest, at.Wall.UnixMilli())
	}
	return c
}

// date is DB.Date's part of a transaction.
func (p *planner) date(d dating, now agent.Instant) {
	b, known := p.cat.boots[d.boot]
	if b.dated || b.ended {
		return
	}
	if !known {
		b = boot{first: p.tx.next, after: p.tx.newest}
		if now.Boot == d.boot {
			b.mono = millis(now.Mono)
		}
		p.putBoot(d.boot, b)
	}
	p.dateBoot(d.boot, d.offset, d.trust)
}

// dateBoot dates a boot for ever and ends the waiting of all others.
func (p *planner) dateBoot(id agent.BootID, offset int64, trust agent.ClockTrust) {
	b := p.cat.boots[id]
	b.dated, b.wall, b.trust, b.upto = true, offset, trust, p.tx.next
	p.putBoot(id, b)
	for other, o := range p.cat.boots {
		if other != id && !o.dated && !o.ended {
			o.ended, o.before = true, b.mono+offset
			p.putBoot(other, o)
		}
	}
}

func (p *planner) putBoot(id agent.BootID, b boot) {
	if !p.fresh.boots {
		p.cat.boots, p.fresh.boots = cloneBoots(p.cat.boots), true
	}
	p.cat.boots[id] = b
	p.tx.boots[id] = b
}

// Newest is the wall time of the newest dated record; zero if there is none. A clock
// before it is known to be wrong.
func (db *DB) Newest() time.Time {
	if r := db.live.Load(); r != nil {
		return timeOf(r.newest.Load())
	}
	return time.Time{}
}
