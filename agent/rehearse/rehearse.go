package rehearse

import (
	"iter"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/stock"
)

// Row is one thing of a recording: exactly one of the pointers is set, or none for a mere
// moment. What they point to is valid until the next row.
type Row struct {
	At         agent.Instant
	Start      bool // the agent starts, and was not running since the row before
	Reading    *agent.Reading
	Definition *agent.Definition // of the reading; nil where it is lost
	Scan       *agent.Scan
	Trip       *alarm.Trip
	Command    *alarm.Command // what a person did about an alarm
}

// Rules are the engines of one config, new, and what they were made of.
type Rules struct {
	Alarms *alarm.Engine
	Stock  *stock.Engine
	Specs  []alarm.Spec           // of Alarms, with the defaults
	Kinds  map[string]alarm.Kind  // by name
	Points map[agent.PointID]bool // that the config declares
	// Readers are those whose scans move stock.
	Readers []agent.ReaderID
}

// Transition is one transition of one alarm, in the words of the wire.
type Transition struct {
	Time       time.Time        `json:"time,omitzero"` // UTC; zero in a boot whose clock was never right
	Alarm      agent.AlarmID    `json:"alarm"`
	Zone       agent.ZoneID     `json:"zone"`
	Point      agent.PointID    `json:"point"`
	Item       agent.ItemID     `json:"item,omitempty"` // of stock alarms
	State      agent.AlarmState `json:"state"`          // after the transition
	Transition agent.Transition `json:"transition"`
	Value      *agent.Value     `json:"value"` // the newest; nil where there is none
}

// Run steps the rules over the rows and gives each transition to took, in their order. An
// error of the rows or of took ends it and is returned as it is. Rules can be run once.
func (r *Rules) Run(rows iter.Seq2[Row, error], took func(*Transition) error) (Summary, error) {
	p := player{rules: r, took: took, tally: newTally(r), watched: map[*agent.Definition]bool{}}
	for row, err := range rows {
		if err == nil {
			err = p.play(&row)
		}
		if err != nil {
			return Summary{}, err
		}
	}
	return p.tally.summary(p.last), nil
}

// player is a rehearsal under way.
type player struct {
	rules   *Rules
	took    func(*Transition) error
	tally   *tally
	last    agent.Instant // the newest instant stepped
	next    time.Duration // of last's boot: when the engine wants to be stepped; 0 for never
	begun   bool
	watched map[*agent.Definition]bool
}

func (p *player) play(row *Row) error {
	if row.Start || !p.begun {
		if err := p.begin(row.At); err != nil {
			return err
		}
	}
	if err := p.ticks(row.At); err != nil {
		return err
	}
	p.tally.row(row)
	switch {
	case row.Reading != nil:
		if !p.watches(row.Definition) {
			p.tally.sum.Unwatched++
		}
		if row.Definition == nil {
			return p.step(alarm.Input{At: row.At})
		}
		return p.step(alarm.Input{At: row.At, Reading: row.Reading, Definition: row.Definition})
	case row.Scan != nil:
		return p.scan(row.Scan)
	case row.Command != nil:
		out, err := p.rules.Alarms.Command(row.At, *row.Command)
		if err != nil { // of an alarm that these rules have not raised
			p.tally.sum.ActsLeftOut++
		}
		return p.outcome(row.At, out)
	}
	return p.step(alarm.Input{At: row.At, Trip: row.Trip})
}

// begin starts the rules as the agent does.
func (p *player) begin(at agent.Instant) error {
	if !p.begun {
		p.begun, p.last = true, at
	}
	if err := p.step(alarm.Input{At: at, Start: true}); err != nil {
		return err
	}
	for _, l := range p.rules.Stock.Levels() {
		if err := p.step(alarm.Input{At: at, Level: levelOf(l)}); err != nil {
			return err
		}
	}
	return nil
}

// ticks steps the engine at the instants at which it wants to be before at. When a boot ended
// is not known, so nothing is stepped between the last row of one and the first of the next.
func (p *player) ticks(at agent.Instant) error {
	for at.Boot == p.last.Boot && p.next > p.last.Mono && p.next < at.Mono {
		if err := p.step(alarm.Input{At: p.last.Add(p.next - p.last.Mono)}); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) scan(s *agent.Scan) error {
	found := p.rules.Stock.Scan(s)
	if err := p.step(alarm.Input{At: s.At}); err != nil {
		return err
	}
	for _, l := range found.Levels {
		if err := p.step(alarm.Input{At: s.At, Level: levelOf(l)}); err != nil {
			return err
		}
	}
	for _, u := range found.Unknown {
		if err := p.step(alarm.Input{At: s.At, Unknown: &alarm.Unknown{Reader: u.Reader, Zone: u.Zone, Code: u.Code}}); err != nil {
			return err
		}
	}
	return nil
}

func levelOf(l stock.Level) *alarm.Level {
	return &alarm.Level{Item: l.Item, Zone: l.Zone, Quantity: l.Quantity, Minimum: l.Minimum}
}

func (p *player) step(in alarm.Input) error { return p.outcome(in.At, p.rules.Alarms.Step(in)) }

func (p *player) outcome(at agent.Instant, out alarm.Output) error {
	if at.Boot != p.last.Boot || at.Mono >= p.last.Mono {
		p.last = at
	}
	p.next = out.Next
	for i := range out.Events {
		if e := &out.Events[i]; e.Alarm != nil {
			p.tally.transition(e)
			if err := p.took(transitionOf(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

func transitionOf(e *agent.Event) *Transition {
	a := e.Alarm
	return &Transition{
		Time: e.At.Wall, Alarm: a.Alarm, Zone: a.Zone, Point: a.Point, Item: a.Item,
		State: a.State, Transition: a.Transition, Value: a.Value,
	}
}

// watches reports whether an alarm that somebody wrote watches the point as it was.
func (p *player) watches(d *agent.Definition) bool {
	yes, known := p.watched[d]
	if !known {
		yes = p.rules.Watches(d)
		p.watched[d] = yes
	}
	return yes
}

// Watches reports whether an alarm that somebody wrote watches the point.
func (r *Rules) Watches(d *agent.Definition) bool {
	if d == nil || !r.Points[d.Point] {
		return false
	}
	for i := range r.Specs {
		s := &r.Specs[i]
		if s.Default {
			continue
		}
		k := r.Kinds[s.Kind]
		if n, ok := s.Settings.(alarm.Naming); ok {
			for _, id := range n.Names() {
				if id == d.Point {
					return true
				}
			}
		}
		ofPoints := k.Scope == alarm.PerPoint || k.Scope == alarm.PerSensor || k.Scope == alarm.PerZone
		if ofPoints && k.Takes(d.Quantity) && s.Watches(d) {
			return true
		}
	}
	return false
}
