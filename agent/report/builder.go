package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Builder makes a report of records. It is used by one goroutine.
type Builder struct {
	set      Setup
	zones    map[agent.ZoneID]*Zone
	defs     map[agent.DefID]agent.Definition // that the stream defined
	routes   map[agent.DefID]*route           // of readings that came already
	tracks   map[trackID]*track
	alarms   List[Alarm]
	standing map[agent.AlarmEventID]Alarm // that stand before the report's time
	cases    List[Case]
	journey  journey
	transit  bool // the gateway's trip is under way
	lost     List[Lost]
	clock    Clock
	ranges   List[Positions]
	epoch    Positions // the newest, not in ranges yet
	unknown  int64
	first    agent.Instant // of the zones' readings
	last     agent.Instant
}

// route is where the readings of a definition go.
type route struct {
	def   agent.Definition
	track *track // nil if its zone is none of the report's
}

// trackID is a point while it is in a zone and measures a quantity.
type trackID struct {
	zone     agent.ZoneID
	point    agent.PointID
	quantity agent.Quantity
}

// New is a Builder for a setup. Its errors are those of the setup, all at once.
func New(s Setup) (*Builder, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	s.Zones = slices.Clone(s.Zones)
	if s.Location == nil {
		s.Location = time.UTC
	}
	if s.Most == 0 {
		s.Most = defaultMost
	}
	b := &Builder{
		set: s, zones: map[agent.ZoneID]*Zone{}, defs: map[agent.DefID]agent.Definition{},
		routes: map[agent.DefID]*route{}, tracks: map[trackID]*track{},
		standing: map[agent.AlarmEventID]Alarm{}, journey: journey{most: s.Most},
	}
	for i := range s.Zones {
		b.zones[s.Zones[i].ID] = &b.set.Zones[i]
	}
	return b, nil
}

// Add takes a record. Records come in the order of their positions; those outside of the
// time are looked at for what reaches into it: the value that holds when it begins, what
// points were, and what was lost.
func (b *Builder) Add(r *agent.Record) {
	if r.Type == agent.TypeEvent {
		b.event(r)
		return
	}
	switch b.when(r) {
	case during:
		b.place(r.Position)
		if r.Type == agent.TypeReading {
			b.reading(r)
		}
	case before:
		if r.Type == agent.TypeReading {
			b.prior(r)
		}
	}
}

// relation is how a record stands to the report's time.
type relation int

const (
	during relation = iota
	before
	after
)

// when compares a record's time with the report's. A record whose time is not known is in it
// unless what bounds it says otherwise.
func (b *Builder) when(r *agent.Record) relation {
	earliest, latest := r.At().Wall, r.At().Wall
	if r.At().Trust == agent.ClockUnset {
		earliest, latest = time.Time{}, time.Time{}
		if r.Undated != nil {
			earliest, latest = r.Undated.After, r.Undated.Before
		}
	}
	switch {
	case !b.set.From.IsZero() && !latest.IsZero() && latest.Before(b.set.From):
		return before
	case !b.set.To.IsZero() && !earliest.IsZero() && !earliest.Before(b.set.To):
		return after
	}
	return during
}

// place notes that a record of the position was read.
func (b *Builder) place(p agent.Position) {
	if p.IsZero() {
		return
	}
	r := &b.epoch
	if r.Epoch != p.Epoch {
		b.endEpoch()
		*r = Positions{Epoch: p.Epoch, First: p.Seq}
	}
	r.First, r.Last = min(r.First, p.Seq), max(r.Last, p.Seq)
	r.N++
}

func (b *Builder) endEpoch() {
	if b.epoch.N > 0 {
		b.ranges.add(b.epoch, b.set.Most)
	}
}

// definition is what the reading's point was.
func (b *Builder) definition(id agent.DefID) (agent.Definition, bool) {
	if d, ok := b.defs[id]; ok {
		return d, true
	}
	if b.set.Definition == nil {
		return agent.Definition{}, false
	}
	return b.set.Definition(id)
}

// route is where a reading goes; nil if nobody knows its definition.
func (b *Builder) route(id agent.DefID) *route {
	if r := b.routes[id]; r != nil {
		return r
	}
	d, ok := b.definition(id)
	if !ok {
		return nil
	}
	r := &route{def: d}
	b.routes[id] = r
	z := b.zones[d.Zone]
	if z == nil {
		return r
	}
	key := trackID{d.Zone, d.Point, d.Quantity}
	if b.tracks[key] == nil {
		b.tracks[key] = newTrack(b, z, &d)
	}
	r.track = b.tracks[key]
	return r
}

func (b *Builder) reading(r *agent.Record) {
	way := b.route(r.Reading.Def)
	switch {
	case way == nil:
		b.unknown++
		return
	case way.track == nil:
		return
	}
	if b.clock.Readings == 0 {
		b.first = r.Reading.At
	}
	b.last = r.Reading.At
	b.clock.add(r)
	way.track.add(&r.Reading, &way.def)
}

// prior remembers what held before the report's time.
func (b *Builder) prior(r *agent.Record) {
	if way := b.route(r.Reading.Def); way != nil && way.track != nil {
		way.track.prior = r.Reading
	}
}

func (c *Clock) add(r *agent.Record) {
	c.Readings++
	switch {
	case r.Undated != nil:
		c.Undated++
	case r.Reading.At.Trust == agent.ClockSynced:
		c.Synced++
	case r.Reading.At.Trust == agent.ClockHeld:
		c.Held++
	default:
		c.Unset++
	}
}

func (b *Builder) event(r *agent.Record) {
	e := r.Event
	if e.Definition != nil {
		b.defs[e.Definition.ID] = *e.Definition
	}
	when := b.when(r)
	if e.Gap != nil && b.overlaps(e.Gap, when) {
		b.lost.add(Lost{T: wall(e.At), Gap: *e.Gap}, b.set.Most)
	}
	switch {
	case e.Excursion != nil:
		b.excursion(e.At, e.Excursion)
	case e.Trip != nil:
		if b.set.Trip != "" && e.Trip.ID == b.set.Trip {
			b.journey.add(e.At, e.Trip)
		}
		if when != after {
			b.follow(e.At, e.Trip)
		}
	case e.Alarm != nil && b.concerns(e.Alarm):
		b.alarm(e, when)
	}
	if when != during {
		return
	}
	b.place(r.Position)
	switch {
	case e.Clock != nil && e.Clock.OldOffset != e.Clock.NewOffset:
		b.clock.Steps++
	}
}

// overlaps reports whether a gap record tells of the report's time: by its own times, or where
// it has none, by when it was recorded.
func (b *Builder) overlaps(g *agent.Gap, recorded relation) bool {
	if g.From.IsZero() && g.To.IsZero() {
		return recorded == during
	}
	tooLate := !b.set.To.IsZero() && !g.From.IsZero() && !g.From.Before(b.set.To)
	tooEarly := !b.set.From.IsZero() && !g.To.IsZero() && g.To.Before(b.set.From)
	return !tooLate && !tooEarly
}

// alarm takes a transition of an alarm. Those that stand when the report's time begins are in it.
func (b *Builder) alarm(e *agent.Event, when relation) {
	a := Alarm{T: wall(e.At), AlarmEvent: *e.Alarm}
	switch {
	case when == during:
		b.alarms.add(a, b.set.Most)
	case when == before && a.State == agent.StateNormal:
		delete(b.standing, a.ID)
	case when == before:
		a.Before = true
		b.standing[a.ID] = a
	}
}

// allAlarms are those that stood before, in the order of their times, and then the others.
func (b *Builder) allAlarms() List[Alarm] {
	stood := slices.Collect(maps.Values(b.standing))
	slices.SortFunc(stood, func(x, y Alarm) int { return cmp.Or(x.T.Compare(y.T), cmp.Compare(x.ID, y.ID)) })
	all := List[Alarm]{Total: int64(len(stood)) + b.alarms.Total, Items: append(stood, b.alarms.Items...)}
	all.Items = all.Items[:min(len(all.Items), b.set.Most)]
	return all
}

// concerns reports whether an alarm is of one of the zones, or of the gateway itself.
func (b *Builder) concerns(a *agent.AlarmEvent) bool {
	if a.Zone == "" {
		return a.Item == ""
	}
	return b.zones[a.Zone] != nil
}

// wall is an instant's time, zero where it is not known.
func wall(at agent.Instant) time.Time {
	if at.Trust == agent.ClockUnset {
		return time.Time{}
	}
	return at.Wall.UTC()
}

// Report ends the time and says what was found. It is called once, after the last Add.
func (b *Builder) Report() *Report {
	from, to, span := b.period()
	b.endEpoch()
	r := &Report{
		From: from.UTC(), To: to.UTC(), Verdict: VerdictNone, Zones: []ZoneReport{}, Trip: b.journey.report(), Alarms: b.allAlarms(), Cases: b.cases, Lost: b.lost,
		Clock: b.clock, Positions: b.ranges, Unknown: b.unknown,
	}
	tracks := make([]*track, 0, len(b.tracks))
	for _, t := range b.tracks {
		tracks = append(tracks, t)
	}
	slices.SortFunc(tracks, func(s, t *track) int {
		return cmp.Or(cmp.Compare(s.def.Point, t.def.Point), cmp.Compare(s.def.Quantity, t.def.Quantity))
	})
	for i := range b.set.Zones {
		z := &b.set.Zones[i]
		var own []*track
		for _, t := range tracks {
			if t.zone == z {
				t.finish(from)
				if t.spoke() {
					own = append(own, t)
				}
			}
		}
		zr := zoneReport(z, own, span)
		r.Verdict = worse(r.Verdict, zr.Verdict)
		r.Zones = append(r.Zones, zr)
	}
	return r
}

// period is the report's time, and how long it is: by the monotonic clock where it is open on
// both sides and that is known.
func (b *Builder) period() (from, to time.Time, span time.Duration) {
	from, to = b.set.From, b.set.To
	if from.IsZero() {
		from = wall(b.first)
	}
	if to.IsZero() {
		to = wall(b.last)
	}
	if b.set.From.IsZero() && b.set.To.IsZero() {
		if d, ok := b.last.Sub(b.first); ok {
			return from, to, max(0, d)
		}
	}
	if from.IsZero() || to.IsZero() {
		return from, to, 0
	}
	return from, to, max(0, to.Sub(from))
}
