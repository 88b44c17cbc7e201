package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// catchUpEvery is how often rules that are behind look whether the store can be read.
const catchUpEvery = time.Second

// begin brings the rules to where they were: their last state, stepped over the records
// since, and then to the present. Nothing else may use the recorder yet. A store that cannot
// be read leaves them behind; Run catches up as soon as it can be.
func (r *recorder) begin(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	made, err := r.replay(ctx, r.store)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		r.behind = true
		r.log.Error("rules not brought up to date", slog.Any("err", err))
		fresh, newErr := r.renew()
		if newErr != nil {
			return newErr
		}
		r.rules, made = fresh, nil
	}
	out := r.rules.start(r.clock.Now())
	r.wants(out.Next)
	r.calls.begin(ctx)
	defer r.climb()
	if made = append(made, out.Events...); len(made) > 0 {
		r.append(nil, made, true)
		return nil
	}
	if opts := r.state(); opts != nil {
		r.last = r.store.Append(nil, opts...)
	}
	return nil
}

// catchUp replaces rules that began without their state by ones that have it, stepped over
// everything that was recorded since, in this life too. Until everything appended is
// readable it leaves things as they are. The caller holds mu.
func (r *recorder) catchUp(ctx context.Context) {
	if r.last != nil {
		wait, cancel := context.WithTimeout(ctx, catchUpEvery)
		defer cancel()
		if r.last.Wait(wait) != nil {
			return
		}
	}
	_, _, kept, err := r.store.StateAt(ctx, rulesState)
	if err != nil {
		return
	}
	if !kept { // there never was a state: these rules have seen everything that there is
		r.behind = false
		r.announcer.begin(ctx)
		r.calls.begin(ctx)
		defer r.climb()
		r.last = r.store.Append(nil, r.state()...)
		return
	}
	fresh, err := r.renew()
	if err != nil {
		return
	}
	began := r.rules
	r.rules = fresh
	made, err := r.replay(ctx, r.store)
	if err != nil {
		r.rules = began
		return
	}
	made = append(made, closing(began, fresh, r.clock.Now())...)
	r.troubles.again()
	r.behind = false
	r.announcer.begin(ctx)
	r.calls.begin(ctx)
	defer r.climb()
	r.log.Info("rules brought up to date")
	if len(made) > 0 {
		r.append(nil, made, true)
		return
	}
	r.last = r.store.Append(nil, r.state()...)
}

// closing ends the occurrences that rules raised while they were behind and that the rules
// with their state do not know: nobody else ever would.
func closing(behind, caughtUp *rules, now agent.Instant) []agent.Event {
	type instance struct {
		alarm agent.AlarmID
		point agent.PointID
		item  agent.ItemID
	}
	known, goesOn := map[agent.AlarmEventID]bool{}, map[instance]agent.AlarmEventID{}
	for _, s := range caughtUp.alarms.Active() {
		known[s.ID] = true
		goesOn[instance{s.Alarm, s.Point, s.Item}] = s.ID
	}
	var events []agent.Event
	for _, s := range behind.alarms.Active() {
		if known[s.ID] || s.State == agent.StateRtnUnack { // that one was cleared already
			continue
		}
		message, texts := caughtUp.alarms.Superseded(goesOn[instance{s.Alarm, s.Point, s.Item}])
		events = append(events, agent.Event{At: now, Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
			ID: s.ID, Alarm: s.Alarm, Kind: s.Kind, Severity: s.Severity, Zone: s.Zone, Point: s.Point, Item: s.Item,
			Transition: agent.Cleared, State: agent.StateNormal, Value: s.Value, Limit: s.Limit, Began: s.Began, Message: message, Texts: texts,
		}})
	}
	return events
}

// source is what the rules are brought up to date from.
type source interface {
	Head() agent.Position
	StateAt(ctx context.Context, name string) (value []byte, at agent.Position, ok bool, err error)
	After(ctx context.Context, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error)
}

// occurred names one transition. The engine gives the same ones to the same records.
type occurred struct {
	id     agent.AlarmEventID
	what   agent.Transition
	number int64         // of an event of a trip or a case
	when   time.Duration // of the boot: what can happen to one occurrence more than once does so at other times
}

// follows reports whether an event is one that the rules make of the record.
func follows(e *agent.Event) bool { return e.Alarm != nil || e.Trip != nil || e.Excursion != nil }

func occurrence(e *agent.Event) occurred {
	switch {
	case e.Trip != nil:
		return occurred{id: agent.AlarmEventID(e.Trip.ID), number: e.Trip.N}
	case e.Excursion != nil:
		return occurred{id: agent.AlarmEventID(e.Excursion.ID), number: e.Excursion.N}
	}
	o := occurred{id: e.Alarm.ID, what: e.Alarm.Transition}
	switch o.what {
	case agent.Raised, agent.Cleared, agent.Latched, agent.Suppressed, agent.Unsuppressed:
		return o // once to each
	}
	o.when = e.At.Mono.Truncate(time.Millisecond)
	return o
}

// replay steps the rules over what was recorded since their state was written. It returns
// the transitions that follow from the record and are not in it: those of a life that ended,
// or whose rules were behind.
func (r *recorder) replay(ctx context.Context, from source) ([]agent.Event, error) {
	blob, at, ok, err := from.StateAt(ctx, rulesState)
	if err != nil {
		return nil, fmt.Errorf("daemon: state of the rules: %w", err)
	}
	if !ok {
		return nil, nil // the first start: begin writes the state before anything else
	}
	if at.IsZero() {
		at = from.Head() // carried over from a store that was set aside: what came after is not known
	}
	if err := r.rules.restore(blob); err != nil {
		return nil, r.anew(blob, err)
	}
	var made []agent.Event
	recorded := map[occurred]bool{}
	epochs := lineage{from: from, tip: at.Epoch, over: map[agent.Epoch]bool{}}
	for started := false; ; {
		records, err := from.After(ctx, at, 4096)
		if err != nil {
			return nil, fmt.Errorf("daemon: records since the state of the rules: %w", err)
		}
		if len(records) == 0 {
			break
		}
		for i := range records {
			rec := &records[i]
			if fresh, err := epochs.goesOn(ctx, rec.Position.Epoch); err != nil {
				return nil, err
			} else if !fresh {
				continue
			}
			if taken := rec.At(); !started && taken.Boot == r.born.Boot && taken.Mono >= r.born.Mono {
				started = true
				made = append(made, r.rules.start(r.born).Events...)
			}
			made = append(made, r.relive(rec)...)
			if rec.Type == agent.TypeEvent && follows(rec.Event) {
				recorded[occurrence(rec.Event)] = true
			}
		}
		at = records[len(records)-1].Position
	}
	var missing []agent.Event
	for i := range made {
		if follows(&made[i]) && !recorded[occurrence(&made[i])] {
			missing = append(missing, made[i])
		}
	}
	return missing, nil
}

// anew begins with rules that know nothing, because what they knew cannot be understood. It
// is kept under another name: nothing unreadable is overwritten.
func (r *recorder) anew(blob []byte, cause error) error {
	r.log.Error("state of the rules not usable; they begin anew", slog.Any("err", cause))
	if r.store == nil {
		return cause // only read
	}
	r.store.SaveState(rulesState+".unusable", blob)
	var err error
	r.rules, err = r.renew()
	return err
}

// relive steps the rules over one record of the past and returns what they make of it. What
// it moved is in the record.
func (r *recorder) relive(rec *agent.Record) []agent.Event {
	switch {
	case rec.Type == agent.TypeReading:
		r.board.take([]agent.Reading{rec.Reading})
		return r.rules.reading(&rec.Reading).Events
	case rec.Type == agent.TypeScan:
		_, out := r.rules.scan(rec.Scan)
		return out.Events
	case rec.Event.Trip != nil || rec.Event.Excursion != nil:
		return r.rules.relive(rec.Event)
	case rec.Event.Alarm != nil && rec.Event.Alarm.By != "":
		a := rec.Event.Alarm
		id := string(a.ID)
		if a.Transition != agent.Acknowledged && a.Transition != agent.Reset {
			id = a.ID.Instance() // what lay over an alarm had its id from that moment only
		}
		out, err := r.rules.command(rec.Event.At, alarm.Command{
			Do: a.Transition, ID: id, By: a.By, Comment: a.Comment, For: time.Duration(a.ForS) * time.Second,
		})
		if err != nil {
			return nil // done already, or to an alarm that rules raised which were behind
		}
		return out.Events
	}
	return nil
}
