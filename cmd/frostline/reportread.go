package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/profile"
	reports "github.com/frostline/frostline/agent/report"
	"github.com/frostline/frostline/agent/store"
)

// inquiry answers one question from a store.
type inquiry struct {
	cfg    *config.Config
	store  *store.Reader
	within timeRange
	limits *reportLimits
	zones  map[agent.ZoneID]bool // that the store has defined points in
	trips  reports.Trips
	course course
}

// rare are the kinds of records of which there are few: the store finds them by an index.
var rare = []agent.Kind{agent.KindEvents, agent.KindAlarms}

// page is how many records are read in one transaction: a few milliseconds.
const page = 4096

// each reads the records after a position, page by page, so that no read transaction gets old,
// until take says that it is enough. Of no kinds it reads all.
func (q *inquiry) each(ctx context.Context, at agent.Position, take func(*agent.Record) bool, kinds ...agent.Kind) error {
	var records []agent.Record
	for {
		var err error
		if records, err = q.store.AppendAfter(ctx, records[:0], at, page, kinds...); err != nil || len(records) == 0 {
			return err
		}
		for i := range records {
			if !take(&records[i]) {
				return nil
			}
		}
		at = records[len(records)-1].Position
	}
}

// survey learns which zones and trips there are, and how the clock ran.
func (q *inquiry) survey(ctx context.Context) error {
	q.zones = map[agent.ZoneID]bool{}
	return q.each(ctx, agent.Position{}, func(r *agent.Record) bool {
		q.trips.Add(r)
		q.course.add(r)
		if r.Type == agent.TypeEvent && r.Event.Definition != nil {
			q.zones[r.Event.Definition.Zone] = true
		}
		return true
	}, rare...)
}

// setup is what every report has in common.
func (q *inquiry) setup() reports.Setup {
	return reports.Setup{
		Location: q.cfg.Location, Definition: q.store.Definition, Due: q.limits.calibrationDue,
		Every: func(p agent.PointID) time.Duration { return q.limits.every[p] },
	}
}

// newest is just after the newest record; zero where its time is not known.
func (q *inquiry) newest(ctx context.Context) (time.Time, error) {
	rec, ok, err := q.store.At(ctx, q.store.Head())
	if err != nil || !ok || rec.At().Wall.IsZero() {
		return time.Time{}, err
	}
	return rec.At().Wall.Add(time.Millisecond), nil
}

// zone reports on a zone.
func (q *inquiry) zone(ctx context.Context, id agent.ZoneID) (*document, error) {
	if err := q.survey(ctx); err != nil {
		return nil, err
	}
	set := q.setup()
	set.Zones = []reports.Zone{q.limits.zone(id)}
	set.From, set.To = q.within.from, q.within.to
	if set.To.IsZero() {
		var err error
		if set.To, err = q.newest(ctx); err != nil {
			return nil, err
		}
		if !set.From.IsZero() && !set.To.After(set.From) {
			set.To = time.Time{}
		}
	}
	b, err := reports.New(set)
	if err != nil {
		return nil, err
	}
	if err := q.read(ctx, set.From, set.To, b); err != nil {
		return nil, err
	}
	doc := q.document("zone", b.Report())
	if z := &doc.Zones[0]; len(z.Points) == 0 && len(doc.Cases.Items) == 0 && !slices.ContainsFunc(doc.Alarms.Items, func(a reports.Alarm) bool { return a.Zone == id }) {
		return nil, q.nothing(ctx, id)
	}
	return doc, nil
}

// nothing is the error of a zone of which there is nothing on record; it says what there is.
func (q *inquiry) nothing(ctx context.Context, id agent.ZoneID) error {
	delete(q.zones, "")
	if !q.zones[id] {
		var zones []string
		for _, z := range slices.Sorted(maps.Keys(q.zones)) {
			zones = append(zones, string(z))
		}
		return fmt.Errorf("nothing is on record for the zone %s; these have records: %s", id, noneOr(zones))
	}
	return fmt.Errorf("nothing is on record for the zone %s%s; %s", id, q.inTime(), q.span(ctx))
}

// inTime is the time that was asked for: " from … to …".
func (q *inquiry) inTime() string {
	text := ""
	if !q.within.from.IsZero() {
		text += " from " + timeIn(q.within.from, q.cfg.Location)
	}
	if !q.within.to.IsZero() {
		text += " to " + timeIn(q.within.to, q.cfg.Location)
	}
	return text
}

// span says from when to when the store has records.
func (q *inquiry) span(ctx context.Context) string {
	oldest, err := q.store.Oldest(ctx)
	if err != nil || oldest.IsZero() {
		return "the store is empty"
	}
	times := [2]string{}
	for i, p := range []agent.Position{oldest, q.store.Head()} {
		rec, _, err := q.store.At(ctx, p)
		if err != nil {
			return "the store cannot be read"
		}
		times[i] = timeIn(rec.At().Wall, q.cfg.Location)
	}
	return "the store has records from " + times[0] + " to " + times[1]
}

// trip reports on a trip.
func (q *inquiry) trip(ctx context.Context, id string) (*document, error) {
	if err := q.survey(ctx); err != nil {
		return nil, err
	}
	span, ok := q.trips.Find(id, q.within.from, q.within.to)
	if !ok {
		return nil, q.noTrip(id)
	}
	set := q.setup()
	set.Trip = span.ID
	for _, c := range span.Compartments {
		set.Zones = append(set.Zones, q.limits.compartment(c))
	}
	if len(set.Zones) == 0 {
		for _, z := range q.cfg.Zones {
			set.Zones = append(set.Zones, q.limits.zone(z.ID))
		}
	}
	timed := !span.Stepped && !span.Started.IsZero() && (span.Open || span.Ended.After(span.Started))
	if timed {
		set.From, set.To = span.Started, span.Ended
		if span.Open {
			var err error
			if set.To, err = q.newest(ctx); err != nil {
				return nil, err
			}
			if !set.To.After(set.From) {
				set.To = time.Time{}
			}
		}
	}
	b, err := reports.New(set)
	if err != nil {
		return nil, err
	}
	if timed {
		err = q.read(ctx, set.From, set.To, b)
	} else {
		err = q.readSpan(ctx, &span, b)
	}
	if err != nil {
		return nil, err
	}
	return q.document("trip", b.Report()), nil
}

// noTrip is the error where no trip fits; it says which there are.
func (q *inquiry) noTrip(id string) error {
	all := q.trips.All()
	what := "no trip is on record"
	if id != "last" {
		what = "no trip " + id + " is on record"
	}
	what += q.inTime()
	if len(all) == 0 {
		return fmt.Errorf("%s, nor any other; frostline trip start opens one", what)
	}
	const few = 5
	var names []string
	for i := len(all) - 1; i >= 0 && len(names) < few; i-- {
		names = append(names, fmt.Sprintf("%s (%s)", all[i].ID, timeIn(all[i].Started, q.cfg.Location)))
	}
	text := ""
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	if more := len(all) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d older", more)
	}
	return fmt.Errorf("%s; there are %s", what, text)
}

// readSpan gives a builder the records of a trip by their positions, where the clock does not
// say which they are: from its first event to its last, and what became of its cases later.
func (q *inquiry) readSpan(ctx context.Context, s *reports.TripSpan, b *reports.Builder) error {
	err := q.each(ctx, agent.Position{Epoch: s.First.Epoch, Seq: s.First.Seq - 1}, func(r *agent.Record) bool {
		b.Add(r)
		return s.Open || r.Position != s.Last
	})
	if err != nil || s.Open {
		return err
	}
	return q.each(ctx, s.Last, func(r *agent.Record) bool {
		if r.Event.Excursion != nil && r.Event.Excursion.Trip == s.ID {
			b.Add(r)
		}
		return true
	}, agent.KindAlarms)
}

// read gives a builder the records of a time, and from before and after it those that tell of it:
// what was lost, what alarms stood, what was decided later.
func (q *inquiry) read(ctx context.Context, from, to time.Time, b *reports.Builder) error {
	var at agent.Position
	before := 0
	if !from.IsZero() {
		var err error
		if at, before, err = q.start(ctx, from.Add(-q.margin())); err != nil {
			return err
		}
	}
	if n := 0; before > 0 {
		err := q.each(ctx, agent.Position{}, func(r *agent.Record) bool {
			b.Add(r)
			n++
			return n < before
		}, rare...)
		if err != nil {
			return err
		}
	}
	ends := !to.IsZero() && !q.course.broken
	late := to.Add(q.margin())
	early := q.lastEarly(late) - before // rare records to come before the end can be
	stopped := false
	err := q.each(ctx, at, func(r *agent.Record) bool {
		b.Add(r)
		if isRare(r) {
			early--
		}
		at = r.Position
		stopped = ends && early <= 0 && !r.At().Wall.Before(late)
		return !stopped
	})
	if err != nil || !stopped {
		return err
	}
	return q.each(ctx, at, func(r *agent.Record) bool {
		b.Add(r)
		return true
	}, rare...)
}

func isRare(r *agent.Record) bool {
	return r.Type == agent.TypeEvent && slices.Contains(rare, r.Kind())
}

func (q *inquiry) document(kind string, r *reports.Report) *document {
	doc := &document{Kind: kind, Report: r, titles: map[agent.ZoneID]string{}}
	for i := range r.Zones {
		z := q.limits.zoneConfig(r.Zones[i].Zone)
		if z == nil || z.Profile != r.Zones[i].Profile {
			continue
		}
		if p, ok := profile.Of(z); ok {
			doc.titles[z.ID] = p.Title
		}
	}
	return doc
}
