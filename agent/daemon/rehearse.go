package daemon

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/rehearse"
	"github.com/frostline/frostline/agent/store"
)

// Rehearsal makes the rules that an agent with this config has at its first start.
func Rehearsal(cfg *config.Config) (*rehearse.Rules, error) {
	r, err := newRules(cfg, nil)
	if err != nil {
		return nil, err
	}
	out := &rehearse.Rules{Alarms: r.alarms, Stock: r.stock, Specs: r.specs, Kinds: r.kinds, Points: map[agent.PointID]bool{}}
	for _, d := range definitions(cfg) {
		out.Points[d.Point] = true
	}
	for _, reader := range readersOf(cfg) {
		out.Readers = append(out.Readers, reader.ID)
	}
	return out, nil
}

// Definitions are what the points of the config are, in its order.
func Definitions(cfg *config.Config) []agent.Definition { return definitions(cfg) }

// History is what a store has of the past, for a rehearsal. It reads only.
type History struct {
	Store    *store.Reader
	From, To time.Time // rows from, and before; zero for open ends, which undated rows need
	// SetAside counts records that were brought back from a damaged store behind younger ones.
	// They are left out: what they brought about then came before.
	SetAside int64
}

// Rows are the readings, scans, trips, starts of the agent, and acts of people about alarms, each at the instant
// that it has on record, so that reboots and steps of the clock are what they were.
func (h *History) Rows(ctx context.Context) iter.Seq2[rehearse.Row, error] {
	return func(yield func(rehearse.Row, error) bool) {
		h.SetAside = 0
		if err := h.each(ctx, func(r rehearse.Row) bool { return yield(r, nil) }); err != nil {
			yield(rehearse.Row{}, err)
		}
	}
}

func (h *History) each(ctx context.Context, yield func(rehearse.Row) bool) error {
	var at agent.Position
	var epochs *lineage
	var lives lives
	var before *alarm.Trip // what became of the trip before From
	defs := map[agent.DefID]*agent.Definition{}
	var records []agent.Record
	for {
		var err error
		if records, err = h.Store.AppendAfter(ctx, records[:0], at, 4096); err != nil {
			return fmt.Errorf("daemon: rehearse: %w", err)
		}
		if len(records) == 0 {
			return nil
		}
		at = records[len(records)-1].Position
		if epochs == nil {
			epochs = &lineage{from: h.Store, tip: records[0].Position.Epoch, over: map[agent.Epoch]bool{}}
		}
		for i := range records {
			rec := &records[i]
			if goesOn, err := epochs.goesOn(ctx, rec.Position.Epoch); err != nil {
				return err
			} else if !goesOn {
				h.SetAside++
				continue
			}
			row, ok := h.row(rec, defs)
			row.Start = lives.begins(rec)
			switch {
			case !h.asked(row.At.Wall):
				before = cmp.Or(row.Trip, before)
				continue
			case !ok && !row.Start:
				continue
			case before != nil && !yield(rehearse.Row{At: row.At, Trip: before}):
				return nil
			}
			before = nil
			if !yield(row) {
				return nil
			}
		}
	}
}

// lives tells where the agent was off: after it has said that it stops, and before an epoch
// that follows an end without that.
type lives struct {
	epoch agent.Epoch
	off   bool
}

// begins reports whether the record is the first of a life. Readings and scans may come
// before the agent has said that it has started, and none comes after it has said that it stops.
func (l *lives) begins(rec *agent.Record) bool {
	if rec.Position.Epoch != l.epoch {
		l.epoch, l.off = rec.Position.Epoch, true
	}
	state := ""
	if rec.Type == agent.TypeEvent && rec.Event.Change != nil && rec.Event.Change.Subject == "agent" {
		state = rec.Event.Change.State
	}
	if state == "stopped" {
		l.off = true
		return false
	}
	if !l.off || rec.Type == agent.TypeEvent && state != "started" {
		return false
	}
	l.off = false
	return true
}

// asked reports whether a time is one of those that were asked for.
func (h *History) asked(wall time.Time) bool {
	if wall.IsZero() {
		return h.From.IsZero() && h.To.IsZero()
	}
	return (h.From.IsZero() || !wall.Before(h.From)) && (h.To.IsZero() || wall.Before(h.To))
}

// row is a record as a row; ok is false for what no rule is about.
func (h *History) row(rec *agent.Record, defs map[agent.DefID]*agent.Definition) (row rehearse.Row, ok bool) {
	row.At = rec.At()
	switch {
	case rec.Type == agent.TypeReading:
		row.Reading, row.Definition = &rec.Reading, h.definition(rec.Reading.Def, defs)
	case rec.Type == agent.TypeScan:
		row.Scan = rec.Scan
	case rec.Event.Trip != nil:
		row.Trip = &alarm.Trip{Begins: rec.Event.Trip.Transition == agent.TripStarted, Transit: rec.Event.Trip.Phase == agent.PhaseUnderWay}
	case rec.Event.Alarm != nil && rec.Event.Alarm.By != "" && acts[rec.Event.Alarm.Transition]:
		row.Command = commandOf(rec.Event.Alarm)
	default:
		return row, false
	}
	return row, true
}

// acts are the transitions that a person brings about.
var acts = map[agent.Transition]bool{
	agent.Acknowledged: true, agent.Reset: true, agent.Shelved: true, agent.Unshelved: true,
	agent.OutOfService: true, agent.InService: true,
}

// commandOf is what a person did, to the alarm at that point: other limits raise it at other
// times, under other ids.
func commandOf(a *agent.AlarmEvent) *alarm.Command {
	return &alarm.Command{
		Do: a.Transition, ID: a.ID.Instance(), By: a.By, Comment: a.Comment, For: time.Duration(a.ForS) * time.Second,
	}
}

func (h *History) definition(id agent.DefID, defs map[agent.DefID]*agent.Definition) *agent.Definition {
	d, known := defs[id]
	if !known {
		if found, ok := h.Store.Definition(id); ok {
			d = &found
		}
		defs[id] = d
	}
	return d
}
