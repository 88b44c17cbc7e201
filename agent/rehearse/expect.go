package rehearse

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Expectations are what somebody expects of the rules over some rows.
type Expectations struct {
	Expect []Expected              // each must happen
	Never  []agent.AlarmID         // none of these may have any transition
	Raised map[agent.AlarmID]int64 // how often exactly each is raised
}

// Expected is a transition that must happen. What is empty may be anything.
type Expected struct {
	Alarm      agent.AlarmID
	Point      agent.PointID
	At         time.Time
	Transition agent.Transition
	State      agent.AlarmState
}

// Failure is an expectation that was not met.
type Failure struct {
	Expectation string   `json:"expectation"` // which one, such as expect[0]
	Want        string   `json:"want"`
	Got         []string `json:"got"` // what the alarm did in its place
}

// most is how many transitions of an alarm a failure lists.
const most = 10

// Check returns what was not met, in the order of the expectations. Times are told in loc.
func (x *Expectations) Check(o *Outcome, loc *time.Location) []Failure {
	all := o.byAlarm()
	failures := []Failure{}
	fail := func(where, want string, got []*Transition) {
		failures = append(failures, Failure{where, want, describe(got, loc)})
	}
	for i := range x.Expect {
		e := &x.Expect[i]
		if !slices.ContainsFunc(all[e.Alarm], e.isMet) {
			fail(fmt.Sprintf("expect[%d]", i), e.describe(loc), around(all[e.Alarm], e.At))
		}
	}
	for i, id := range x.Never {
		if got := all[id]; len(got) > 0 {
			fail(fmt.Sprintf("never[%d]", i), fmt.Sprintf("nothing of %s", id), got)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(x.Raised)) {
		raised := slices.DeleteFunc(slices.Clone(all[id]), func(t *Transition) bool { return t.Transition != agent.Raised })
		if want := x.Raised[id]; int64(len(raised)) != want {
			fail("raised."+string(id), fmt.Sprintf("%s raised %d times, not %d", id, want, len(raised)), raised)
		}
	}
	return failures
}

func (e *Expected) isMet(t *Transition) bool {
	return (e.Point == "" || e.Point == t.Point) && (e.At.IsZero() || e.At.Equal(t.Time)) &&
		e.Transition == t.Transition && (e.State == "" || e.State == t.State)
}

func (e *Expected) describe(loc *time.Location) string {
	words := []string{string(e.Alarm), string(e.Transition)}
	if !e.At.IsZero() {
		words = append([]string{e.At.In(loc).Format(time.RFC3339)}, words...)
	}
	if e.Point != "" {
		words = append(words, "at", string(e.Point))
	}
	if e.State != "" {
		words = append(words, "("+string(e.State)+")")
	}
	return strings.Join(words, " ")
}

// around are the transitions nearest to a time, in their order: those that whoever expected
// one then has to see.
func around(all []*Transition, at time.Time) []*Transition {
	if len(all) <= most {
		return all
	}
	from := 0
	for i, t := range all {
		if t.Time.Before(at) {
			from = i + 1
		}
	}
	from = min(max(0, from-most/2), len(all)-most)
	return all[from : from+most]
}

func describe(all []*Transition, loc *time.Location) []string {
	lines := []string{}
	for i, t := range all {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more", len(all)-i))
		}
		e := Expected{Alarm: t.Alarm, Point: t.Point, At: t.Time, Transition: t.Transition, State: t.State}
		lines = append(lines, e.describe(loc))
	}
	return lines
}
