package alarm

import "github.com/frostline/frostline/agent"

// lifecycle is the state machine of ISA-18.2 and IEC 62682: state and transition to state.
// What is not in the table does not happen. The words latched, reset, shelved, suppressed
// and out of service have no rows until something brings them about; an alarm that leaves
// the config goes out of service and is no more.
var lifecycle = map[agent.AlarmState]map[agent.Transition]agent.AlarmState{
	agent.StateNormal: {
		agent.Raised: agent.StateUnack,
	},
	agent.StateUnack: {
		agent.Acknowledged: agent.StateAck,
		agent.Cleared:      agent.StateRtnUnack,
	},
	agent.StateAck: {
		agent.Cleared: agent.StateNormal,
	},
	agent.StateRtnUnack: {
		agent.Acknowledged: agent.StateNormal,
		agent.Raised:       agent.StateUnack,
	},
}

// after is the state after a transition; ok is false if it cannot happen.
func after(s agent.AlarmState, t agent.Transition) (next agent.AlarmState, ok bool) {
	next, ok = lifecycle[s][t]
	return next, ok
}
