package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
)

// paths follows every alarm through its life cycle, by the record alone.
type paths struct {
	now         map[string]standing // by "<alarm>:<subject>"; what is normal is left out
	seen        map[agent.AlarmEventID]map[agent.Transition]bool
	transitions int
}

// standing is where an alarm that is not normal stands.
type standing struct {
	id    agent.AlarmEventID
	state agent.AlarmState
}

func newPaths() *paths {
	return &paths{now: map[string]standing{}, seen: map[agent.AlarmEventID]map[agent.Transition]bool{}}
}

// legal is the life cycle as docs/wire.md tells it to receivers: state and transition to
// state. It is written here a second time on purpose: what the agent thinks legal is what
// is under test.
var legal = map[agent.AlarmState]map[agent.Transition]agent.AlarmState{
	agent.StateNormal:   {agent.Raised: agent.StateUnack},
	agent.StateUnack:    {agent.Acknowledged: agent.StateAck, agent.Cleared: agent.StateRtnUnack, agent.OutOfService: agent.StateOutOfService},
	agent.StateAck:      {agent.Cleared: agent.StateNormal, agent.OutOfService: agent.StateOutOfService},
	agent.StateRtnUnack: {agent.Acknowledged: agent.StateNormal, agent.Raised: agent.StateUnack, agent.OutOfService: agent.StateOutOfService},
}

// step takes the next transition in the order of the record and says what is wrong with it.
func (p *paths) step(e *agent.AlarmEvent) error {
	p.transitions++
	key, ok := subject(e.ID)
	if !ok {
		return fmt.Errorf("alarm id %q is not <alarm>:<subject>:<boot>:<counter>", e.ID)
	}
	if p.seen[e.ID] == nil {
		p.seen[e.ID] = map[agent.Transition]bool{}
	}
	if p.seen[e.ID][e.Transition] {
		return fmt.Errorf("alarm %s is %s twice", e.ID, e.Transition)
	}
	p.seen[e.ID][e.Transition] = true
	was, known := p.now[key]
	if !known {
		was.state = agent.StateNormal
	}
	next, ok := legal[was.state][e.Transition]
	switch {
	case !ok:
		return fmt.Errorf("alarm %s is %s while it is %s: a transition before it is lost", e.ID, e.Transition, was.state)
	case e.State != next:
		return fmt.Errorf("alarm %s is %s and then %s, want %s", e.ID, e.Transition, e.State, next)
	case e.Transition != agent.Raised && e.ID != was.id:
		return fmt.Errorf("alarm %s is %s while %s is open: a transition between them is lost", e.ID, e.Transition, was.id)
	case e.Transition == agent.Raised && len(p.seen[e.ID]) > 1:
		return fmt.Errorf("alarm %s is raised after it had other transitions", e.ID)
	}
	p.now[key] = standing{e.ID, next}
	if next == agent.StateNormal || next == agent.StateOutOfService {
		delete(p.now, key)
	}
	return nil
}

// has reports whether the record holds this transition.
func (p *paths) has(id agent.AlarmEventID, t agent.Transition) bool { return p.seen[id][t] }

// differ lists how the alarms that the agent says are open differ from those of the record.
func (p *paths) differ(open map[agent.AlarmEventID]agent.AlarmState) []string {
	var wrong []string
	left := maps.Clone(open)
	for _, key := range slices.Sorted(maps.Keys(p.now)) {
		s := p.now[key]
		switch state, ok := open[s.id]; {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("alarm %s is %s by the record and unknown to the agent", s.id, s.state))
		case state != s.state:
			wrong = append(wrong, fmt.Sprintf("alarm %s is %s by the record and %s by the agent", s.id, s.state, state))
		}
		delete(left, s.id)
	}
	for _, id := range slices.Sorted(maps.Keys(left)) {
		wrong = append(wrong, fmt.Sprintf("alarm %s is %s by the agent and not in the record", id, left[id]))
	}
	return wrong
}

// subject is an occurrence's id without boot and counter.
func subject(id agent.AlarmEventID) (string, bool) {
	s := string(id)
	for range 2 {
		i := strings.LastIndexByte(s, ':')
		if i < 0 {
			return "", false
		}
		s = s[:i]
	}
	return s, strings.Contains(s, ":")
}

// balances follows the stock by its movements.
type balances map[string]int64

// step says what is wrong with a movement.
func (b balances) step(m *agent.Movement) error {
	key := string(m.Item) + " in " + string(m.Zone)
	want := b[key]
	switch m.Direction {
	case agent.DirectionIn:
		want += m.Quantity
	case agent.DirectionOut:
		want -= m.Quantity
	case agent.DirectionCount:
		want = m.Quantity
	}
	b[key] = m.Balance
	if m.Balance != want {
		return fmt.Errorf("stock of %s: %s %d makes %d, want %d", key, m.Direction, m.Quantity, m.Balance, want)
	}
	return nil
}
