package daemon

import (
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// board holds the newest reading of every point, for status, display and info. Safe for
// concurrent use.
type board struct {
	find   func(agent.DefID) (agent.Definition, bool)
	mu     sync.Mutex
	points map[agent.DefID]*pointBoard // nil: of a point that is not shown
	order  []*pointBoard
}

type pointBoard struct {
	def    agent.Definition
	last   agent.Reading
	seen   bool
	course []mark // of a gauge, oldest first, at least courseStep apart
}

type mark struct {
	at agent.Instant
	v  agent.Value
}

// A trend is the change over the last trendSpan, told once there are trendLeast of it.
const (
	courseStep = time.Minute
	trendSpan  = 15 * time.Minute
	trendLeast = 2 * time.Minute
)

// newBoard makes an empty board for points as they are defined now. find finds what a point
// was when it was read: one that differs only by the serial number that the device told is
// the same.
func newBoard(defs []agent.Definition, find func(agent.DefID) (agent.Definition, bool)) *board {
	b := &board{find: find, points: map[agent.DefID]*pointBoard{}}
	for _, d := range defs {
		p := &pointBoard{def: d}
		b.points[d.ID] = p
		b.order = append(b.order, p)
	}
	return b
}

func (b *board) take(readings []agent.Reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range readings {
		if p := b.point(readings[i].Def); p != nil {
			p.take(&readings[i])
		}
	}
}

// point is where a definition's readings are shown; nil: nowhere. The caller holds mu.
func (b *board) point(id agent.DefID) *pointBoard {
	p, known := b.points[id]
	if known {
		return p
	}
	if d, ok := b.find(id); ok {
		d.Serial = ""
		p = b.points[d.Identified().ID]
		b.points[id] = p
	}
	return p
}

func (p *pointBoard) take(r *agent.Reading) {
	p.last, p.seen = *r, true
	if !r.OK() || p.def.Quantity.Kind() != agent.Gauge {
		return
	}
	if n := len(p.course); n > 0 {
		if d, ok := r.At.Sub(p.course[n-1].at); !ok {
			p.course = p.course[:0]
		} else if d < courseStep {
			return
		}
	}
	for len(p.course) > 0 {
		if d, ok := r.At.Sub(p.course[0].at); ok && d <= trendSpan {
			break
		}
		p.course = p.course[1:]
	}
	p.course = append(p.course, mark{r.At, r.Value})
}

// trend is the change per hour, nil where there is too little to tell.
func (p *pointBoard) trend() *agent.Value {
	if len(p.course) == 0 || !p.last.OK() {
		return nil
	}
	from := p.course[0]
	d, ok := p.last.At.Sub(from.at)
	if !ok || d < trendLeast {
		return nil
	}
	v, err := agent.ValueOf((p.last.Value - from.v).Float64() * float64(time.Hour) / float64(d))
	if err != nil {
		return nil
	}
	v = v / 10_000 * 10_000 // two decimals
	return &v
}

// zones lists what is measured where, in the config's order; points without a zone come last.
func (b *board) zones(names []control.Zone, now agent.Instant) []control.Zone {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]control.Zone, len(names), len(names)+1)
	at := map[agent.ZoneID]int{}
	for i, z := range names {
		out[i] = control.Zone{ID: z.ID, Name: z.Name, Points: []control.Point{}}
		at[z.ID] = i
	}
	var elsewhere []control.Point
	for _, p := range b.order {
		if i, ok := at[p.def.Zone]; ok {
			out[i].Points = append(out[i].Points, p.shown(now))
			continue
		}
		elsewhere = append(elsewhere, p.shown(now))
	}
	if elsewhere != nil {
		out = append(out, control.Zone{Points: elsewhere})
	}
	return out
}

func (p *pointBoard) shown(now agent.Instant) control.Point {
	s := control.Point{
		Point: p.def.Point, Quantity: p.def.Quantity, Unit: p.def.Quantity.Unit(), Role: p.def.Role,
	}
	if !p.seen {
		return s
	}
	s.T = p.last.At.Wall
	if d, ok := now.Sub(p.last.At); ok {
		s.AgeS = int64(d / time.Second)
	}
	if !p.last.OK() {
		s.Fault = p.last.Fault.String()
		return s
	}
	v := p.last.Value
	s.V, s.Marks, s.Trend = &v, p.last.Marks.Words(), p.trend()
	return s
}
