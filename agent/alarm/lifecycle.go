package alarm

import "github.com/frostline/frostline/agent"

// lifecycle is the state machine of ISA-18.2 and IEC 62682: state and transition to state.
// What is not in the table does not happen.
//
// Shelved and out of service are not in it: a person lays them over whatever the alarm is,
// and below them it goes on (see overlay.go). An alarm that leaves the config goes out of
// service and is no more.
var lifecycle = map[agent.AlarmState]map[agent.Transition]agent.AlarmState{
	agent.StateNormal: {
		agent.Raised:     agent.StateUnack,
		agent.Suppressed: agent.StateSuppressed,
	},
	agent.StateUnack: {
		agent.Acknowledged: agent.StateAck,
		agent.Cleared:      agent.StateRtnUnack,
		agent.Latched:      agent.StateLatched,
	},
	agent.StateAck: {
		agent.Cleared:   agent.StateNormal,
		agent.Latched:   agent.StateLatched,
		agent.ReAlarmed: agent.StateUnack,
	},
	agent.StateRtnUnack: {
		agent.Acknowledged: agent.StateNormal,
		agent.Raised:       agent.StateUnack,
	},
	agent.StateLatched: {
		agent.Acknowledged: agent.StateLatched, // once; Reset needs it
		agent.Reset:        agent.StateNormal,
		agent.Raised:       agent.StateUnack,
	},
	agent.StateSuppressed: {
		agent.Unsuppressed: agent.StateNormal, // followed by Raised if the condition is still there
	},
}

// after is the state after a transition; ok is false if it cannot happen.
func after(s agent.AlarmState, t agent.Transition) (next agent.AlarmState, ok bool) {
	next, ok = lifecycle[s][t]
	return next, ok
}
