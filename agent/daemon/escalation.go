package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/escalate"
	"github.com/frostline/frostline/agent/store"
)

// escalationState is the name under which the store keeps how far alarms have climbed. It is
// committed with the transitions and calls themselves.
const escalationState = "escalation"

// escalation brings alarms that nobody acknowledges to people, level by level. The recorder
// guards it.
type escalation struct {
	cfg    *config.Config
	engine *escalate.Engine // nil: the config has no levels
	now    func() agent.Instant
	store  *store.DB
	log    *slog.Logger

	saved    time.Duration   // when its state was last written
	next     time.Duration   // when the engine wants to be stepped without input; 0 for never
	calls    []escalate.Call // made and not yet appended
	unread   bool            // what an earlier life left could not be read: it is not written over
	starting bool            // the agent did not run until the next step
	others   []string        // outputs that are told at once; nil: all
	pressed  *bool           // whether the mute button was, when it was last read; nil: it was not read
}

func newEscalation(a *Agent) *escalation {
	cfg := a.cfg
	e := &escalation{cfg: cfg, now: a.clock.Now, store: a.store, log: a.log}
	if cfg.Escalation != nil {
		e.engine = escalate.New(cfg.EscalationSetup())
	}
	if slices.ContainsFunc(cfg.Outputs, func(o config.Output) bool { return e.named(o.ID) }) {
		e.others = []string{}
		for i := range cfg.Outputs {
			if id := cfg.Outputs[i].ID; !e.named(id) {
				e.others = append(e.others, id)
			}
		}
	}
	return e
}

// named reports whether an output is told when a level says so, and not before.
func (e *escalation) named(output string) bool {
	return e.cfg.Escalation != nil &&
		slices.ContainsFunc(e.cfg.Escalation.Levels, func(l config.Level) bool { return slices.Contains(l.Outputs, output) })
}

// begin restores what an earlier life left. What cannot be understood is kept aside.
func (e *escalation) begin(ctx context.Context) {
	if e.engine == nil {
		return
	}
	e.starting = true
	blob, ok, err := e.store.State(ctx, escalationState)
	if e.unread = errors.Is(err, store.ErrUnavailable); err != nil {
		e.log.Error("escalation of an earlier life not readable", slog.Any("err", err))
		return
	}
	if !ok {
		return
	}
	fresh := escalate.New(e.cfg.EscalationSetup())
	if err := fresh.Restore(blob); err != nil {
		e.log.Error("escalation begins anew", slog.Any("err", err))
		e.store.SaveState(escalationState+".unusable", blob)
		return
	}
	e.engine = fresh
}

// reconcile brings it to the alarms as they stand after a start.
func (e *escalation) reconcile(now agent.Instant, active []alarm.Status) {
	if e.engine == nil {
		return
	}
	var open []escalate.Open
	for i := range active {
		if s := &active[i]; waits(s) && (s.Cause == "" || s.Cause == s.ID) {
			open = append(open, escalate.Open{Since: s.Raised, Event: agent.AlarmEvent{
				ID: s.ID, Alarm: s.Alarm, Kind: s.Kind, Severity: s.Severity, Zone: s.Zone, Point: s.Point, Item: s.Item,
				Transition: agent.Raised, State: s.State, Value: s.Value, Limit: s.Limit, Began: s.Began,
				Message: s.Message, Texts: s.Texts, Items: s.Items,
			}})
		}
	}
	e.take(e.engine.Reconcile(now, open))
}

// waits reports whether an alarm waits for an acknowledgement.
func waits(s *alarm.Status) bool {
	return s.State == agent.StateUnack || s.State == agent.StateRtnUnack || s.State == agent.StateLatched && s.By == ""
}

func (e *escalation) take(out escalate.Output) {
	e.calls = append(e.calls, out.Calls...)
	e.next = out.Next
}

// countedEvery is how often it is written how long an alarm that climbs has waited: where no clock
// goes on while the power is off, that is what is known afterwards.
const countedEvery = time.Minute

// wants is when it wants to be brought to the present; 0 for never.
func (e *escalation) wants() time.Duration {
	if e.next == 0 {
		return 0
	}
	return min(e.next, e.saved+countedEvery)
}

// tick brings it to the present, if it wants that, and reports whether its state is to be written.
func (e *escalation) tick(now agent.Instant) bool {
	due := e.wants()
	if e.engine == nil || due == 0 || due > now.Mono {
		return false
	}
	e.take(e.engine.Step(escalate.Input{At: now}))
	return true
}

// follow steps it with what the rules said, and hands out what is to be told: the records of
// it, and the notices.
func (e *escalation) follow(events []agent.Event) (records []agent.Record, notices []*pendingNotice) {
	if e.engine == nil {
		return nil, nil
	}
	for i := range events {
		if a := events[i].Alarm; a != nil {
			e.take(e.engine.Step(escalate.Input{At: events[i].At, Start: e.starting, Alarm: a}))
			e.starting = false
		}
	}
	for i := range e.calls {
		c := &e.calls[i]
		records = append(records, agent.OfEvent(e.told(c)))
		notices = append(notices, e.notices(c)...)
	}
	e.calls = nil
	return records, notices
}

// state is what to commit with what it said.
func (e *escalation) state() []store.AppendOption {
	if e.engine == nil {
		return nil
	}
	e.saved = e.now().Mono
	if e.unread {
		return nil
	}
	blob, err := e.engine.State()
	if err != nil {
		e.log.Error("state of the escalation not written", slog.Any("err", err))
		return nil
	}
	return []store.AppendOption{store.WithState(escalationState, blob)}
}

// told is the record of a call: who was told at which level.
func (e *escalation) told(c *escalate.Call) agent.Event {
	who := slices.Clone(c.Outputs)
	for _, id := range c.Persons {
		if p, ok := e.person(id); ok {
			who = append(who, p.Name)
		}
	}
	detail := fmt.Sprintf("%s %s: told %s", c.Event.ID, c.Event.Transition, strings.Join(who, ", "))
	if c.Waited >= time.Second {
		detail += " after " + config.Duration(c.Waited.Truncate(time.Second))
	}
	if c.Late {
		detail += ", late"
	}
	return agent.Event{At: c.At, Kind: agent.EventChange, Change: &agent.StateChange{
		Subject: "escalation", State: fmt.Sprintf("level-%d", c.Level), Detail: detail,
	}}
}

func (e *escalation) person(id string) (*config.Person, bool) {
	i := slices.IndexFunc(e.cfg.People, func(p config.Person) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return &e.cfg.People[i], true
}

// notices are what a call means for the outputs: one for each output that it names, and one for
// each through which it reaches persons.
func (e *escalation) notices(c *escalate.Call) []*pendingNotice {
	var all []*pendingNotice
	add := func(output string, to []announce.Recipient) {
		all = append(all, &pendingNotice{
			Wall: c.At.Wall, Event: c.Event, at: c.At, sounding: e.sounding(output), since: clock.Elapsed(),
			Only: []string{output}, To: to, Level: c.Level, WaitedS: int64(c.Waited / time.Second), Advice: c.Advice, Late: c.Late,
		})
	}
	for _, output := range c.Outputs {
		add(output, nil)
	}
	for _, way := range waysOf(e.cfg, c.Persons) {
		add(way.output, way.to)
	}
	return all
}

// sounding is the highest severity of what an output that levels name was told.
func (e *escalation) sounding(output string) agent.Severity {
	if e.engine == nil {
		return ""
	}
	return e.engine.Sounding(output)
}

// ways are the persons who are told through one output.
type ways struct {
	output string
	to     []announce.Recipient
}

// waysOf groups persons by the outputs that reach them; a person may be reached by several.
func waysOf(cfg *config.Config, persons []string) []ways {
	var all []ways
	for i := range cfg.People {
		p := &cfg.People[i]
		if !slices.Contains(persons, p.ID) {
			continue
		}
		for _, w := range cfg.Ways(p) {
			at := slices.IndexFunc(all, func(o ways) bool { return o.output == w.Output })
			if at < 0 {
				at = len(all)
				all = append(all, ways{output: w.Output})
			}
			all[at].to = append(all[at].to, announce.Recipient{
				ID: p.ID, Name: p.Name, Address: w.Address, Voice: agent.Voice{Language: p.Language, Unit: p.Unit},
			})
		}
	}
	return all
}

// press reports whether a reading is that of the mute button being pressed.
func (e *escalation) press(rd *agent.Reading, point agent.PointID) bool {
	m := e.cfg.Mute
	if m == nil || point != m.Point || !rd.OK() {
		return false
	}
	is := rd.Value == m.Is
	was := e.pressed
	e.pressed = &is
	return is && was != nil && !*was
}

// mutes are the outputs that the button silences: those that it names, or all that follow how
// things stand. The others have nothing to silence.
func (e *escalation) mutes() []string {
	if len(e.cfg.Mute.Outputs) > 0 {
		return e.cfg.Mute.Outputs
	}
	ids := []string{}
	for i := range e.cfg.Outputs {
		o := &e.cfg.Outputs[i]
		if _, messages := o.Settings.(interface{ Concerns(announce.Notice) bool }); !messages {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// badges finds persons by the codes of their badges, whatever the letters' case.
type badges map[string]*config.Person

func badgesOf(cfg *config.Config) badges {
	all := badges{}
	for i := range cfg.People {
		if p := &cfg.People[i]; p.Badge != "" {
			all[strings.ToLower(p.Badge)] = p
		}
	}
	return all
}

func (b badges) of(code string) (*config.Person, bool) {
	if len(b) == 0 {
		return nil, false
	}
	p, ok := b[strings.ToLower(code)]
	return p, ok
}
