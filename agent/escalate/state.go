package escalate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// ErrState is what Restore returns for what State cannot have written.
var ErrState = errors.New("not a state of the escalation")

const stateVersion = 1

type saved struct {
	Version int               `json:"v"`
	Line    timeline.State    `json:"line"`
	Lost    *blind            `json:"lost,omitempty"`
	Alarms  map[string]*entry `json:"alarms,omitempty"` // by instance
}

// State is everything the engine remembers, as compact JSON. Its size is bounded by the number of
// alarms that nobody has acknowledged.
func (e *Engine) State() ([]byte, error) {
	text, err := json.Marshal(saved{stateVersion, e.line.State(), e.lost, e.entries})
	if err != nil {
		return nil, fmt.Errorf("escalate: state: %w", err)
	}
	return text, nil
}

// Restore makes a new engine go on where the one that wrote the state stopped, which may have had
// other levels and people: levels whose time has passed stay told. On an error nothing changes.
func (e *Engine) Restore(state []byte) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrState, s.Version, stateVersion)
	}
	line, err := s.Line.Restore()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	entries := map[string]*entry{}
	for key, en := range s.Alarms {
		if en == nil || en.Event.ID.Instance() == "" || en.Since > line.Now() || en.Event.Severity.Rank() < 0 {
			return fmt.Errorf("%w: alarm %s", ErrState, key)
		}
		en.rungs = e.setup.rungs(&en.Event)
		entries[key] = en
	}
	e.line, e.at, e.lost, e.entries = line, line.Now(), s.Lost, entries
	return nil
}

// Open is an alarm that nobody has acknowledged, as it stands.
type Open struct {
	Event agent.AlarmEvent // with its id and state, and raised as transition
	Since agent.Instant    // when it was raised
}

// Reconcile brings the engine to the alarms as they are after a start: those that it does not
// know begin to climb from when they were raised, those that are no more climb no longer. Open
// lists those that are there and those that returned, or latched, unacknowledged.
func (e *Engine) Reconcile(at agent.Instant, open []Open) Output {
	out := e.Step(Input{At: at, Start: true})
	known := map[string]bool{}
	now := e.line.Now()
	for i := range open {
		ev := &open[i].Event
		key := ev.ID.Instance()
		known[key] = true
		if en := e.entries[key]; ev.State != agent.StateUnack || en != nil && !en.Closed {
			continue
		}
		since, rel := e.line.Place(open[i].Since)
		if rel == timeline.SameBoot {
			since = min(since, now)
		} else if off, ok := at.Sub(open[i].Since); ok && off > 0 && off < longestOff {
			since = max(1, now-timeline.Span(off))
		} else {
			since = now
		}
		e.begin(nil, ev, now)
		if en := e.entries[key]; en != nil {
			en.Since = max(1, since)
		}
	}
	for _, key := range e.keys() {
		if en := e.entries[key]; !known[key] && !en.Closed {
			en.stop(now)
			en.Held, en.Closed = nil, true
		}
	}
	e.process(now, true, false)
	after := e.output()
	return Output{Calls: append(out.Calls, after.Calls...), Next: after.Next}
}
