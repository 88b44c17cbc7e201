package main

import (
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
)

// story is transitions as "<counter> <transition> <state>".
func story(t *testing.T, p *paths, lines ...string) error {
	t.Helper()
	for _, l := range lines {
		f := strings.Fields(l)
		e := &agent.AlarmEvent{
			ID: agent.AlarmEventID("high:cr1-air/temperature:0a1b2c3d:" + f[0]), Alarm: "high",
			Transition: agent.Transition(f[1]), State: agent.AlarmState(f[2]),
		}
		if err := p.step(e); err != nil {
			return err
		}
	}
	return nil
}

func TestPaths(t *testing.T) {
	cases := map[string]struct {
		lines []string
		wrong string // part of the error; empty: legal
	}{
		"raised, cleared, raised anew": {
			[]string{"1 raised unack", "1 cleared rtn-unack", "2 raised unack", "2 acknowledged ack", "2 cleared normal", "3 raised unack"}, "",
		},
		"acknowledged after its end": {[]string{"1 raised unack", "1 cleared rtn-unack", "1 acknowledged normal", "2 raised unack"}, ""},
		"taken out of the config":    {[]string{"1 raised unack", "1 out-of-service out-of-service", "2 raised unack"}, ""},
		"raised twice":               {[]string{"1 raised unack", "1 raised unack"}, "raised twice"},
		"raised again, clear lost":   {[]string{"1 raised unack", "2 raised unack"}, "is lost"},
		"cleared, raise lost":        {[]string{"1 cleared rtn-unack"}, "is lost"},
		"cleared twice":              {[]string{"1 raised unack", "1 acknowledged ack", "1 cleared normal", "1 cleared normal"}, "cleared twice"},
		"id of before":               {[]string{"1 raised unack", "1 cleared rtn-unack", "2 raised unack", "1 acknowledged ack"}, "is open"},
		"id used again":              {[]string{"1 raised unack", "1 acknowledged ack", "1 cleared normal", "1 raised unack"}, "raised twice"},
		"wrong state":                {[]string{"1 raised ack"}, "want unack"},
		"no id":                      {[]string{" raised unack x"}, "is not <alarm>"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPaths()
			var err error
			if name == "no id" {
				err = p.step(&agent.AlarmEvent{ID: "high:1", Transition: agent.Raised, State: agent.StateUnack})
			} else {
				err = story(t, p, c.lines...)
			}
			if (c.wrong == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v, want %q", err, c.wrong)
			}
		})
	}
}

func TestAgentAndRecordDiffer(t *testing.T) {
	p := newPaths()
	if err := story(t, p, "1 raised unack"); err != nil {
		t.Fatal(err)
	}
	const id = "high:cr1-air/temperature:0a1b2c3d:1"
	open := map[agent.AlarmEventID]agent.AlarmState{id: agent.StateUnack}
	if wrong := p.differ(open); len(wrong) != 0 {
		t.Errorf("the same differs: %q", wrong)
	}
	for name, other := range map[string]map[agent.AlarmEventID]agent.AlarmState{
		"unknown to the agent": {},
		"ack by the agent":     {id: agent.StateAck},
		"not in the record":    {id: agent.StateUnack, "low:x:0a1b2c3d:2": agent.StateUnack},
	} {
		if wrong := p.differ(other); len(wrong) != 1 || !strings.Contains(wrong[0], name) {
			t.Errorf("found %q, want %q", wrong, name)
		}
	}
}

func TestBalances(t *testing.T) {
	b := balances{}
	move := func(d agent.Direction, n, balance int64) error {
		return b.step(&agent.Movement{Item: "box", Zone: "room", Direction: d, Quantity: n, Balance: balance})
	}
	for _, err := range []error{move("in", 2, 2), move("out", 1, 1), move("count", 5, 5), move("in", 1, 6)} {
		if err != nil {
			t.Error(err)
		}
	}
	if move("in", 1, 8) == nil {
		t.Error("a lost movement was not found")
	}
}
