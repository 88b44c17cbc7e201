package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
)

// ErrState is what Restore returns for what State cannot have written.
var ErrState = errors.New("not a state of the alarm engine")

const stateVersion = 1

// saved is the state of an engine as JSON. Instances that are normal are left out.
type saved struct {
	Version   int                    `json:"v"`
	Now       Line                   `json:"now"`
	Last      *savedInstant          `json:"last,omitempty"`
	Previous  agent.BootID           `json:"previous"`
	Counter   uint64                 `json:"counter"`
	Seen      map[agent.PointID]Line `json:"seen,omitempty"`
	Instances map[string]savedAlarm  `json:"alarms,omitempty"`
	Rules     map[string]savedRule   `json:"rules,omitempty"`
	Causes    []cause                `json:"causes,omitempty"`
	Transit   bool                   `json:"transit,omitempty"`
	Stretches map[string]stretch     `json:"stretches,omitempty"` // of suppressions
}

type savedRule struct {
	Kind  string          `json:"k"`
	State json.RawMessage `json:"s"`
}

type savedAlarm struct {
	Alarm    agent.AlarmID      `json:"alarm"`
	Kind     string             `json:"kind"`
	Severity agent.Severity     `json:"severity"`
	Zone     agent.ZoneID       `json:"zone,omitempty"`
	Item     agent.ItemID       `json:"item,omitempty"`
	State    agent.AlarmState   `json:"state"`
	ID       agent.AlarmEventID `json:"id"`
	Raised   savedInstant       `json:"raised"`
	Since    savedInstant       `json:"since"`
	Began    time.Time          `json:"began,omitzero"`
	Start    Line               `json:"start,omitempty"`
	By       string             `json:"by,omitempty"`
	Comment  string             `json:"comment,omitempty"`
	Items    []agent.ItemID     `json:"items,omitempty"`
	Point    agent.PointID      `json:"point,omitempty"`
	Cause    agent.AlarmEventID `json:"cause,omitempty"`
	Over     *overlay           `json:"over,omitempty"`
	Clearing Line               `json:"clearing,omitempty"`
	ReAlarm  Line               `json:"re_alarm,omitempty"`
}

type savedInstant struct {
	Wall  time.Time        `json:"wall,omitzero"`
	Mono  Line             `json:"mono"`
	Boot  agent.BootID     `json:"boot"`
	Trust agent.ClockTrust `json:"trust"`
}

func saveInstant(at agent.Instant) savedInstant {
	return savedInstant{at.Wall, max(0, millisOf(at.Mono)), at.Boot, at.Trust}
}

func (s savedInstant) instant() agent.Instant {
	return agent.Instant{Wall: s.Wall.UTC(), Mono: s.Mono.Duration(), Boot: s.Boot, Trust: s.Trust}
}

// retired is an open alarm that the config no longer has.
type retired struct {
	key string
	savedAlarm
}

// State is everything the engine remembers, as compact JSON. Its size is bounded by the
// number of alarms and points; a rolling window is at most 720 spans.
func (e *Engine) State() ([]byte, error) {
	s := saved{
		Version: stateVersion, Now: e.line.now, Previous: e.line.prev, Counter: e.counter,
		Seen: map[agent.PointID]Line{}, Instances: map[string]savedAlarm{},
		Stretches: map[string]stretch{},
	}
	if e.line.now != 0 {
		last := saveInstant(e.line.last)
		s.Last = &last
	}
	for id, p := range e.points {
		if p.seen != 0 {
			s.Seen[id] = p.seen
		}
	}
	var rules []byte // most of the state, so it is not encoded a second time
	fresh := map[*watch]bool{}
	for _, w := range e.fresh {
		fresh[w] = true
	}
	for _, w := range e.watches {
		if fresh[w] {
			continue
		}
		raw, err := json.Marshal(w.rule.State())
		if err != nil {
			return nil, fmt.Errorf("alarm: state of %s: %w", w.key, err)
		}
		if len(rules) > 0 {
			rules = append(rules, ',')
		}
		rules = append(append(append(rules, w.head...), raw...), '}')
	}
	for _, i := range e.instances {
		if i.state != agent.StateNormal || i.over.State != "" {
			s.Instances[i.key] = i.save()
		}
	}
	s.Causes, s.Transit = e.causes, e.transit
	for _, p := range e.suppressors {
		if p.state != (stretch{}) {
			s.Stretches[p.key()] = p.state
		}
	}
	for _, r := range e.retired {
		s.Instances[r.key] = r.savedAlarm
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("alarm: state: %w", err)
	}
	if len(rules) == 0 {
		return text, nil
	}
	whole := make([]byte, 0, len(text)+len(rules)+16)
	whole = append(whole, text[:len(text)-1]...)
	whole = append(append(whole, `,"rules":{`...), rules...)
	return append(whole, "}}"...), nil
}

func (i *instance) save() savedAlarm {
	s := savedAlarm{
		Alarm: i.spec.ID, Kind: i.kind.Name, Severity: i.spec.Severity, Zone: i.zone, Item: i.item,
		State: i.state, ID: i.id, Raised: saveInstant(i.raised), Since: saveInstant(i.since),
		Began: i.began, Start: i.start, By: i.by, Comment: i.why, Items: i.items, Point: i.point,
		Cause: i.cause, Clearing: i.clearing, ReAlarm: i.realarm,
	}
	if i.over.State != "" {
		over := i.over
		s.Over = &over
	}
	return s
}

// Restore makes a new engine go on where the one that wrote the state stopped, which may have
// had another config: what is still there goes on, what is new begins, and open alarms that
// are gone go out of service at the next step. On an error the engine is as New made it.
func (e *Engine) Restore(state []byte) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	next, err := New(e.setup)
	if err != nil {
		return fmt.Errorf("alarm: restore: %w", err)
	}
	if err := next.restore(&s); err != nil {
		return err
	}
	*e = *next
	return nil
}

func (e *Engine) restore(s *saved) error {
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrState, s.Version, stateVersion)
	}
	if (s.Last == nil) != (s.Now == 0) {
		return fmt.Errorf("%w: a moment without an instant", ErrState)
	}
	e.counter, e.transit = s.Counter, s.Transit
	e.line = timeline{now: s.Now, prev: s.Previous}
	if s.Last != nil {
		e.line.last = s.Last.instant()
	}
	for id, seen := range s.Seen {
		if p := e.points[id]; p != nil {
			p.seen = min(seen, s.Now)
		}
	}
	if err := e.restoreRules(s); err != nil {
		return err
	}
	for _, p := range e.suppressors {
		st := s.Stretches[p.key()]
		if st.Since > s.Now || st.Until > s.Now+lineEnd {
			return fmt.Errorf("%w: suppression %s", ErrState, p.key())
		}
		st.Until = min(st.Until, st.Since+Millis(p.Longest)) // the config may have changed
		p.state = st
	}
	e.causes = s.Causes
	if err := e.restoreInstances(s); err != nil {
		return err
	}
	e.retime(s.Now)
	return nil
}

func (e *Engine) restoreRules(s *saved) error {
	e.fresh = nil
	for _, w := range e.watches {
		r, ok := s.Rules[w.key]
		if !ok || r.Kind != w.on.kind.Name {
			e.fresh = append(e.fresh, w)
			continue
		}
		if err := json.Unmarshal(r.State, w.rule.State()); err != nil {
			return fmt.Errorf("%w: rule %s: %w", ErrState, w.key, err)
		}
		e.step(w, e.tick(s.Now), nil)
	}
	return nil
}

func (e *Engine) restoreInstances(s *saved) error {
	for key, a := range s.Instances {
		if _, known := lifecycle[a.State]; !known || (a.State == agent.StateNormal) == (a.ID != "") || a.ID == "" && a.Over == nil {
			return fmt.Errorf("%w: alarm %s is %q", ErrState, key, a.State)
		}
		i := e.byKey[key]
		if a.Over != nil {
			if _, known := overlays[a.Over.State]; !known || a.Over.State == "" || a.Over.ID == "" {
				return fmt.Errorf("%w: alarm %s is %q", ErrState, key, a.Over.State)
			}
			if until := a.Over.Until; (a.Over.State == agent.StateShelved) != (until != 0) || until > s.Now+Millis(MaxShelf) {
				return fmt.Errorf("%w: alarm %s is %q until %d", ErrState, key, a.Over.State, until)
			}
		}
		if _, clears := after(a.State, agent.Cleared); a.Clearing != 0 && !clears {
			return fmt.Errorf("%w: alarm %s is %q and clears at %d", ErrState, key, a.State, a.Clearing)
		}
		if i == nil || i.kind.Name != a.Kind {
			e.retired = append(e.retired, retired{key, a})
			continue
		}
		i.state, i.id, i.point, i.start = a.State, a.ID, a.Point, min(a.Start, s.Now)
		i.raised, i.since, i.began = a.Raised.instant(), a.Since.instant(), a.Began
		i.by, i.why, i.items = a.By, a.Comment, a.Items
		i.cause, i.clearing, i.realarm = a.Cause, a.Clearing, a.ReAlarm
		if a.Over != nil {
			i.over = *a.Over
		}
		e.touch(i)
	}
	return nil
}
