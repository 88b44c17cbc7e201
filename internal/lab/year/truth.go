package main

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/alarm/mkt"
	"github.com/frostline/frostline/agent/config"
)

// clause is one limit of a profile, as whoever reads the profile understands it.
type clause struct {
	id       agent.AlarmID
	probe    int // of life.feels
	high     bool
	touching bool    // the limit itself is outside
	limit    float64 // °C
	hold     time.Duration
	mutable  bool    // doors and defrosts suppress it
	mistake  float64 // K: how far what it is compared with may be off
	mean     *mean   // of an MKT; else nil

	open *excursion
	all  []*excursion
	rang []stand // when the alarm stood
	mute []time.Duration
}

// stand is a time for which an alarm stood.
type stand struct {
	from, to time.Duration // to is 0 while it stands
	reaches  bool
	what     trouble // what was broken
}

// excursion is a time without interruption beyond a limit.
type excursion struct {
	from, to time.Duration
	known    time.Duration // how long of it the instrument was heard
	lasts    bool          // as long as the clause asks for
	due      time.Duration // when it had to be raised; 0 while it was suppressed by design
	further  time.Duration // how long without interruption further out than the instrument may be off
	certain  time.Duration // when no instrument of this kind can have missed it any more; 0 for never
}

// clauses are the limits that a config's profile sets for the house.
func clauses(cfg *config.Config, l *life) []*clause {
	var all []*clause
	for i := range cfg.Alarms {
		a := &cfg.Alarms[i]
		if a.Profile == "" {
			continue
		}
		c := &clause{id: a.ID, mutable: !a.Absolute && a.Role != agent.RoleProduct}
		if a.Role == agent.RoleProduct {
			c.probe = 1
		}
		c.mistake = l.feels[c.probe].mistake()
		switch s := a.Settings.(type) {
		case *limit.Settings:
			c.hold = s.For
			switch {
			case s.Total != 0:
				continue // within a trip, and these rooms make none
			case s.Above != nil:
				c.high, c.limit = true, s.Above.Float64()
			case s.AtOrAbove != nil:
				c.high, c.touching, c.limit = true, true, s.AtOrAbove.Float64()
			case s.Below != nil:
				c.limit = s.Below.Float64()
			case s.AtOrBelow != nil:
				c.touching, c.limit = true, s.AtOrBelow.Float64()
			}
		case *mkt.Settings:
			c.high, c.limit, c.mutable = true, s.Above.Float64(), false
			c.mean = &mean{span: int64(s.Within / every), energy: s.DH.Float64()}
		default:
			continue
		}
		all = append(all, c)
	}
	return all
}

// beyond reports whether a temperature is outside by more than that many K.
func (c *clause) beyond(t, by float64) bool {
	switch {
	case c.touching && by == 0 && t == c.limit:
		return true
	case c.high:
		return t > c.limit+by
	}
	return t < c.limit-by
}

// mean is a mean kinetic temperature over a rolling window, summed up minute by minute.
type mean struct {
	span   int64   // minutes
	energy float64 // kJ/mol
	terms  []float64
	n      int64
	sum    float64
	felt   float64
}

// add takes one minute at t °C; nothing where the instrument said nothing.
func (m *mean) add(t float64, heard bool) {
	if m.terms == nil {
		m.terms = make([]float64, m.span)
	}
	const gas = 8.3144e-3 // kJ/(K·mol), as USP 29 <1160> has it
	term := 0.0
	if heard {
		term = math.Exp(-m.energy / gas * (1/(t+273.15) - 1/298.15)) // 1 at 25 °C
	}
	m.terms[m.n%m.span] = term
	m.n++
	sum, count := 0.0, 0
	if m.n%60 == 0 { // anew, so that nothing adds up
		for _, x := range m.terms {
			if x > 0 {
				sum, count = sum+x, count+1
			}
		}
		m.sum = sum
		if count > 0 {
			m.felt = 1/(1/298.15-gas/m.energy*math.Log(sum/float64(count))) - 273.15
		}
	}
}

// quiet is one thing that suppresses alarms on a side by design, as docs/alarms.md tells it.
type quiet struct {
	is             func(*states) bool
	high           bool
	longest, after time.Duration
	since, last    time.Duration // of the stretch, and when the state was last there; since 0 is none
}

func (q *quiet) see(now time.Duration, s *states) {
	switch {
	case q.is(s):
		if q.since == 0 {
			q.since = now
		}
		q.last = now
	case q.since != 0 && now > q.last+tick+q.after:
		q.since = 0
	}
}

// mutes reports whether it suppresses what began at from.
func (q *quiet) mutes(now, from time.Duration) bool {
	return q.since != 0 && now < q.since+q.longest && q.since <= from+every
}

// witness knows the truth about a room and writes down what became of it.
type witness struct {
	record
	life   *life
	by     map[agent.AlarmID]*clause
	quiets []*quiet
}

func newWitness(l *life, cfg *config.Config, n int, length time.Duration) *witness {
	w := &witness{life: l, by: map[agent.AlarmID]*clause{}}
	w.profile, w.room, w.weeks = l.profile, n, length.Hours()/(7*24)
	w.clauses = clauses(cfg, l)
	for _, c := range w.clauses {
		w.by[c.id] = c
	}
	is := map[agent.PointID]func(*states) bool{
		pointDoor:    func(s *states) bool { return s.door },
		pointDefrost: func(s *states) bool { return s.defrost },
		pointLoading: func(s *states) bool { return s.loading },
	}
	for _, q := range quiets {
		for _, side := range l.sides(q.point) {
			w.quiets = append(w.quiets, &quiet{is: is[q.point], high: side == "above", longest: q.longest, after: q.after})
		}
	}
	return w
}

// took writes down what the rules said.
func (w *witness) took(e *agent.AlarmEvent) {
	now := w.life.now
	c := w.by[e.Alarm]
	if c == nil {
		if e.Transition == agent.Raised && e.Reaches() {
			w.others = append(w.others, other{now, e.Alarm})
		}
		return
	}
	switch e.Transition {
	case agent.Raised:
		c.rang = append(c.rang, stand{from: now, reaches: e.Reaches(), what: w.life.fault.what})
	case agent.Cleared:
		if n := len(c.rang); n > 0 && c.rang[n-1].to == 0 {
			c.rang[n-1].to = now
		}
	case agent.Suppressed:
		c.mute = append(c.mute, now)
	}
}

// see follows what the instruments of the room feel.
func (w *witness) see() {
	l := w.life
	for _, q := range w.quiets {
		q.see(l.now, &l.states)
	}
	for _, c := range w.clauses {
		f := &l.feels[c.probe]
		felt, wait := f.felt, every
		if c.mean != nil {
			if l.now%every == 0 {
				c.mean.add(f.felt, f.heard)
			}
			felt, wait = c.mean.felt, time.Duration(c.mean.span)*every/360
			if c.mean.n < 60 {
				continue
			}
		}
		if !c.beyond(felt, 0) {
			c.close()
			continue
		}
		w.follow(c, felt, wait, f.heard || c.mean != nil)
	}
}

func (w *witness) follow(c *clause, felt float64, wait time.Duration, heard bool) {
	now := w.life.now
	if c.open == nil {
		c.open = &excursion{from: now}
	}
	e := c.open
	e.to = now
	if !heard {
		return
	}
	e.known += tick
	if c.beyond(felt, c.mistake) {
		e.further += tick
	} else {
		e.further = 0
	}
	if e.known < c.hold {
		return
	}
	e.lasts = true
	if w.muted(c, e, felt) {
		return
	}
	if e.due == 0 {
		e.due = now
	}
	if e.certain == 0 && e.further >= c.hold+wait {
		e.certain = now
	}
}

func (w *witness) muted(c *clause, e *excursion, felt float64) bool {
	const freezing = -0.5
	if !c.mutable || !c.high && c.limit >= freezing && felt <= freezing {
		return false
	}
	for _, q := range w.quiets {
		if q.high == c.high && q.mutes(w.life.now, e.from) {
			return true
		}
	}
	return false
}

// close ends the excursion that was going on.
func (c *clause) close() {
	if c.open != nil && (c.open.lasts || c.open.to-c.open.from >= c.hold) {
		c.all = append(c.all, c.open)
	}
	c.open = nil
}

func (w *witness) end() {
	for _, c := range w.clauses {
		c.close()
	}
}
