package excursion

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// ErrState is what Restore returns for what State cannot have written.
var ErrState = errors.New("not a state of the excursion engine")

const stateVersion = 1

type saved struct {
	Version  int                  `json:"v"`
	Line     timeline.State       `json:"line"`
	Counter  uint64               `json:"counter"`
	Cases    []*openCase          `json:"cases,omitempty"`
	Evidence map[string]*evidence `json:"evidence,omitempty"`
}

// State is everything the engine remembers, as compact JSON. Its size is bounded by MaxCases and
// the config.
func (e *Engine) State() ([]byte, error) {
	text, err := json.Marshal(saved{stateVersion, e.line.State(), e.counter, e.cases, e.evidence})
	if err != nil {
		return nil, fmt.Errorf("excursion: state: %w", err)
	}
	return text, nil
}

// Restore makes a new engine go on where the one that wrote the state stopped, which may have
// had another config. On an error the engine is as New made it.
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
	if len(s.Cases) > MaxCases || len(s.Cases) > 0 && s.Line.Now == 0 {
		return fmt.Errorf("%w: %d cases", ErrState, len(s.Cases))
	}
	for _, c := range s.Cases {
		if err := c.check(); err != nil {
			return err
		}
	}
	for source, ev := range s.Evidence {
		if ev == nil || causes[ev.Cause].rank == 0 {
			return fmt.Errorf("%w: evidence of %s", ErrState, source)
		}
	}
	if s.Evidence != nil {
		e.evidence = s.Evidence
	}
	e.line, e.counter, e.cases = line, s.Counter, s.Cases
	return nil
}

// Reconcile ends what belongs to alarms that are no longer there: their engine began anew and
// will never say that they cleared. open tells whether an occurrence is still open. Call it
// after a start, when the alarm engine has been brought to the present.
func (e *Engine) Reconcile(at agent.Instant, open func(agent.AlarmEventID) bool) Output {
	before := e.Step(Input{At: at})
	for _, c := range slices.Clone(e.cases) {
		for _, m := range c.Members {
			if m.Out && !open(m.Event) {
				m.Out, m.Died = false, true
			}
		}
		e.settle(c, e.line.Now())
	}
	return join(before, e.output())
}

func (c *openCase) check() error {
	switch {
	case c == nil || c.ID == "" || c.N < 0 || len(c.Members) == 0:
		return fmt.Errorf("%w: a case without id or point", ErrState)
	case c.State != agent.ExcursionOut && c.State != agent.ExcursionReturned && c.State != agent.ExcursionUnknown:
		return fmt.Errorf("%w: case %s is %q", ErrState, c.ID, c.State)
	}
	for _, m := range c.Members {
		if m == nil {
			return fmt.Errorf("%w: case %s: an empty point", ErrState, c.ID)
		}
	}
	return nil
}
