package escalate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/escalate"
)

// plain is the escalation of one setup as one would write it without a thought of cost: it looks
// at every alarm at every second. Its rules are those of the package's doc.
type plain struct {
	alarms map[string]*plainAlarm
	began  time.Time
	out    []string
}

type plainAlarm struct {
	severity agent.Severity
	last     agent.Transition
	counted  int // seconds
	counting bool
	returned bool
	over     bool // only news are left
	next     int  // levels that came due
	waiting  []waiting
	persons  []string
	siren    bool
	level    int
	news     bool
}

type waiting struct {
	level   int
	persons bool
}

var plainAfter = []int{0, 600, 1800} // siren, keeper, region

func plainQuiet(local time.Time) bool { return local.Hour() >= 22 || local.Hour() < 6 }

// plainDuty lists who of a level is on duty.
func plainDuty(level int, local time.Time) []string {
	h, d := local.Hour(), local.Weekday()
	switch {
	case level == 3:
		return []string{"region"}
	case level != 2:
		return nil
	case h >= 8 && h < 20:
		return []string{"day"}
	case h >= 20 && d != time.Saturday && d != time.Sunday, h < 8 && d != time.Sunday && d != time.Monday:
		return []string{"night"}
	}
	return nil
}

func (p *plain) call(a *plainAlarm, now time.Time, level int, who string, late bool) {
	text := fmt.Sprintf("%s %s %d %s %s", now.Sub(p.began), a.last, level, who, time.Duration(a.counted)*time.Second)
	if late {
		text += " late"
	}
	p.out = append(p.out, text)
}

// second does what is due now. After a time off, what was due before is late.
func (p *plain) second(now time.Time, off, opened bool) {
	local := now.In(berlin)
	for _, key := range sorted(p.alarms) {
		a := p.alarms[key]
		quiet := a.severity != critical && plainQuiet(local)
		if !quiet {
			if a.news {
				a.news = false
				p.call(a, now, a.level, strings.Join(a.persons, ","), opened)
			}
			queue := a.waiting
			a.waiting = nil
			for _, w := range queue {
				p.tell(a, now, w, opened)
			}
		}
		for a.counting && a.next < len(plainAfter) && a.counted >= plainAfter[a.next] {
			late := off && a.counted > plainAfter[a.next]
			a.next++
			if quiet {
				a.waiting = append(a.waiting, waiting{level: a.next})
			} else {
				p.tell(a, now, waiting{level: a.next}, late)
			}
			a.counting = !a.returned
		}
		if a.over && !a.news {
			delete(p.alarms, key)
		}
	}
}

func (p *plain) tell(a *plainAlarm, now time.Time, w waiting, late bool) {
	who := plainDuty(w.level, now.In(berlin))
	if w.level > 1 && who == nil {
		a.waiting = append(a.waiting, waiting{w.level, true})
		return
	}
	for _, one := range who {
		if !slices.Contains(a.persons, one) {
			a.persons = append(a.persons, one)
		}
	}
	if w.level == 1 {
		a.siren = true
		who = []string{"siren"}
	}
	a.level = max(a.level, w.level)
	p.call(a, now, w.level, strings.Join(who, ","), late)
}

func (p *plain) event(key string, severity agent.Severity, t agent.Transition, now time.Time) {
	a := p.alarms[key]
	open := a != nil && !a.over
	switch {
	case t == agent.Raised && open:
		a.counting, a.returned = true, false
	case t == agent.Raised || t == agent.ReAlarmed:
		a = &plainAlarm{severity: severity, counting: true}
		p.alarms[key] = a
	case !open:
		return
	case t == agent.Cleared:
		if a.returned {
			return
		}
		a.returned = true
		a.counting = a.counting && severity == critical
	default:
		a.counting, a.over, a.waiting = false, true, nil
	}
	a.last = t
	a.news = false
	if a.siren {
		p.call(a, now, a.level, "siren", false)
	}
	if len(a.persons) > 0 {
		if a.severity != critical && plainQuiet(now.In(berlin)) {
			a.news = true
		} else {
			p.call(a, now, a.level, strings.Join(a.persons, ","), false)
		}
	}
}

// passed counts time.
func (p *plain) passed(seconds int) {
	for _, a := range p.alarms {
		if a.counting {
			a.counted += seconds
		}
	}
}

func sorted(m map[string]*plainAlarm) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestLikeThePlainReference: whatever happens, the engine calls whom the plain one calls, in the
// same order; also if it is saved and restored at any moment.
func TestLikeThePlainReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := rapid.SampledFrom([]time.Time{
			noon, time.Date(2026, 3, 7, 19, 30, 0, 0, berlin), time.Date(2026, 3, 28, 21, 50, 0, 0, berlin),
			time.Date(2026, 10, 25, 1, 50, 0, 0, berlin), time.Date(2026, 3, 9, 5, 40, 0, 0, berlin),
		}).Draw(t, "begin").UTC()
		p := &plain{alarms: map[string]*plainAlarm{}, began: begin}
		e := escalate.New(reference())
		now, boot := at(begin), 1
		var got []string
		next := time.Duration(0)
		step := func(in escalate.Input) {
			o := e.Step(in)
			for _, c := range o.Calls {
				got = append(got, line(c, at(begin)))
			}
			next = o.Next
		}
		step(escalate.Input{At: now})
		for range rapid.IntRange(1, 30).Draw(t, "deeds") {
			pause := rapid.SampledFrom([]int{0, 1, 59, 300, 599, 600, 1201, 3600, 14400}).Draw(t, "pause")
			if rapid.IntRange(0, 9).Draw(t, "power cut") == 0 {
				opened := pause > 60-now.Wall.Second() // a full minute passed
				p.passed(pause)
				boot++
				now = agent.Instant{Wall: now.Wall.Add(time.Duration(pause) * time.Second), Mono: time.Minute, Boot: agent.BootID{byte(boot)}, Trust: agent.ClockHeld}
				e = again(t, e)
				p.second(now.Wall, true, opened)
				step(escalate.Input{At: now, Start: true})
			} else {
				end := now.Add(time.Duration(pause) * time.Second)
				for next != 0 && next <= end.Mono {
					if rapid.IntRange(0, 20).Draw(t, "restore") == 0 {
						e = again(t, e)
					}
					step(escalate.Input{At: now.Add(next - now.Mono)})
				}
				for range pause {
					now = now.Add(time.Second)
					p.passed(1)
					p.second(now.Wall, false, false)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "clock step") == 0 {
				now.Wall = now.Wall.Add(time.Duration(rapid.SampledFrom([]int{-7200, -61, -1, 1, 61, 7200, 28800}).Draw(t, "by")) * time.Second)
				step(escalate.Input{At: now})
				p.second(now.Wall, false, false)
			}
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "alarm")
			severity := warning
			if key == "c" {
				severity = critical
			}
			what := rapid.SampledFrom([]agent.Transition{agent.Raised, agent.Raised, agent.Cleared, agent.Acknowledged, agent.ReAlarmed, agent.Shelved}).Draw(t, "transition")
			p.event(key, severity, what, now.Wall)
			p.second(now.Wall, false, false)
			step(escalate.Input{At: now, Alarm: &agent.AlarmEvent{
				ID: agent.AlarmEventID(fmt.Sprintf("%s:p:01000000:%d", key, len(got))), Alarm: agent.AlarmID(key), Severity: severity, Transition: what,
				State: map[agent.Transition]agent.AlarmState{
					agent.Raised: agent.StateUnack, agent.ReAlarmed: agent.StateUnack, agent.Cleared: agent.StateRtnUnack,
					agent.Acknowledged: agent.StateAck, agent.Shelved: agent.StateShelved,
				}[what],
			}})
		}
		if !slices.Equal(got, p.out) {
			t.Fatalf("began %v: called\n\t%s\nwant\n\t%s", begin.In(berlin), strings.Join(got, "\n\t"), strings.Join(p.out, "\n\t"))
		}
	})
}

func reference() escalate.Setup {
	s := setup()
	s.Levels = s.Levels[:3]
	return s
}

func again(t *rapid.T, e *escalate.Engine) *escalate.Engine {
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	next := escalate.New(reference())
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	return next
}
