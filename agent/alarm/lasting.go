package alarm

import "github.com/frostline/frostline/agent"

// Lasting is raised when a condition has been there for a time without interruption. A gap
// neither extends nor ends it. It is the state of rules that judge samples one by one.
type Lasting struct {
	Held
	Raised bool `json:"r,omitempty"`
}

// Run brings it to t.Now. Call it first in every step.
func (l *Lasting) Run(t Tick, need Line) {
	l.Advance(t.Now)
	l.judge(need)
	if t.Gap {
		l.Gap(t.Now)
	}
}

// Sample takes what a sample says: whether the condition is there, which holds for hold.
func (l *Lasting) Sample(t Tick, there bool, hold, need Line) {
	if !there {
		l.Gone()
		l.Raised = false
		return
	}
	l.There(t, hold)
	l.judge(need)
}

// Keep takes a sample that neither shows the condition nor ends it: one within a deadband.
func (l *Lasting) Keep(t Tick, hold, need Line) {
	if l.Raised {
		l.Pause()
		return
	}
	l.Sample(t, false, hold, need)
}

func (l *Lasting) judge(need Line) { l.Raised = l.Raised || l.Began != 0 && l.Time >= need }

// Condition is how it stands.
func (l *Lasting) Condition(need Line) Condition {
	c := Condition{Active: l.Raised, Suspect: l.Present, Began: l.Began, Held: l.Time}
	if !l.Raised {
		c.Next = l.Reaches(need)
	}
	return c
}

// Doubtful reports whether a reading's value may open an alarm but neither clear nor reset one.
func Doubtful(m agent.Marks) bool { return m&(agent.MarkImplausible|agent.MarkTooFast) != 0 }
