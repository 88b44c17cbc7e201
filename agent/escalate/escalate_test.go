package escalate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/escalate"
)

var (
	boot1, boot2 = agent.BootID{1}, agent.BootID{2}
	berlin       = location("Europe/Berlin")
	noon         = time.Date(2026, 3, 4, 12, 0, 0, 0, berlin) // a Wednesday
)

func location(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

func at(wall time.Time) agent.Instant {
	return agent.Instant{Wall: wall.UTC(), Mono: time.Hour, Boot: boot1, Trust: agent.ClockSynced}
}

func days(text string) escalate.Days {
	var d escalate.Days
	if err := d.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return d
}

func clock(text string) escalate.TimeOfDay {
	var t escalate.TimeOfDay
	if err := t.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return t
}

func shift(d, from, to string) escalate.Shift {
	return escalate.Shift{Days: days(d), From: clock(from), To: clock(to)}
}

// setup has a siren at once, the keepers after 10 min (one by day, one by night), the region
// after 30 min, and for the cellar the technician at once.
func setup() escalate.Setup {
	return escalate.Setup{
		Location: berlin,
		People: []escalate.Person{
			{ID: "day", Roles: []string{"keeper"}, Rota: []escalate.Shift{shift("mon-sun", "08:00", "20:00")}},
			{ID: "night", Roles: []string{"keeper"}, Rota: []escalate.Shift{shift("mon-fri", "20:00", "08:00")}},
			{ID: "region"},
			{ID: "tech"},
		},
		Levels: []escalate.Level{
			{Outputs: []string{"siren"}},
			{After: 10 * time.Minute, Roles: []string{"keeper"}},
			{After: 30 * time.Minute, Persons: []string{"region"}, Advice: "Call the keeper."},
			{Persons: []string{"tech"}, Places: []agent.ZoneID{"cellar"}, Severities: []agent.Severity{agent.SeverityInfo, agent.SeverityCritical}},
		},
		Quiet: []escalate.Shift{shift("mon-sun", "22:00", "06:00")},
	}
}

// play steps an engine and writes what it calls.
type play struct {
	t     testing.TB
	e     *escalate.Engine
	now   agent.Instant
	began agent.Instant
	count int
	out   []string
}

func newPlay(t testing.TB, s escalate.Setup, begin time.Time) *play {
	return &play{t: t, e: escalate.New(s), now: at(begin), began: at(begin)}
}

func (p *play) take(o escalate.Output) escalate.Output {
	for _, c := range o.Calls {
		p.out = append(p.out, line(c, p.began))
	}
	return o
}

func line(c escalate.Call, began agent.Instant) string {
	since := c.At.Wall.Sub(began.Wall)
	text := fmt.Sprintf("%s %s %d %s%s %s", since, c.Event.Transition, c.Level, strings.Join(c.Persons, ","), strings.Join(c.Outputs, ","), c.Waited)
	if c.Late {
		text += " late"
	}
	return text
}

// pass lets time go on, stepping when the engine wants to be stepped.
func (p *play) pass(d time.Duration) {
	end := p.now.Add(d)
	for o := p.take(p.e.Step(escalate.Input{At: p.now})); o.Next != 0 && o.Next <= end.Mono; {
		p.now = p.now.Add(o.Next - p.now.Mono)
		o = p.take(p.e.Step(escalate.Input{At: p.now}))
		if o.Next != 0 && o.Next <= p.now.Mono {
			p.t.Fatalf("wants to be stepped at %v, which is now", o.Next)
		}
	}
	p.now = end
	p.take(p.e.Step(escalate.Input{At: p.now}))
}

func (p *play) event(severity agent.Severity, t agent.Transition, s agent.AlarmState) {
	if t == agent.Raised {
		p.count++
	}
	p.take(p.e.Step(escalate.Input{At: p.now, Alarm: &agent.AlarmEvent{
		ID: agent.AlarmEventID(fmt.Sprintf("high:air/temperature:01000000:%d", p.count)), Alarm: "high", Severity: severity,
		Zone: "cold", Transition: t, State: s,
	}}))
}

// cut saves the engine and restores it after a time off; rtc says whether the clock is right then.
func (p *play) cut(off time.Duration, boot agent.BootID, rtc bool) {
	state, err := p.e.State()
	if err != nil {
		p.t.Fatal(err)
	}
	next := escalate.New(setup())
	if err := next.Restore(state); err != nil {
		p.t.Fatal(err)
	}
	p.e = next
	wall := p.now.Wall.Add(off)
	if boot == p.now.Boot {
		p.now = p.now.Add(off)
	} else {
		p.now = agent.Instant{Wall: wall, Mono: time.Second, Boot: boot, Trust: agent.ClockHeld}
	}
	if !rtc {
		p.now.Wall, p.now.Trust = time.Time{}, agent.ClockUnset
	}
	p.take(p.e.Step(escalate.Input{At: p.now, Start: true}))
}

func (p *play) want(calls ...string) {
	p.t.Helper()
	if !slices.Equal(p.out, calls) {
		p.t.Errorf("called\n\t%s\nwant\n\t%s", strings.Join(p.out, "\n\t"), strings.Join(calls, "\n\t"))
	}
}

const (
	critical = agent.SeverityCritical
	warning  = agent.SeverityWarning
)

// TestTransitions: what each transition does to an alarm of which the siren and the keeper were
// told, 20 minutes after it was raised.
func TestTransitions(t *testing.T) {
	climbed := []string{"0s raised 1 siren 0s", "10m0s raised 2 day 10m0s"}
	for name, c := range map[string]struct {
		severity agent.Severity
		what     agent.Transition
		state    agent.AlarmState
		want     []string
	}{
		"nothing":                   {critical, "", "", []string{"30m0s raised 3 region 30m0s"}},
		"acknowledged":              {critical, agent.Acknowledged, agent.StateAck, []string{"20m0s acknowledged 2 siren 20m0s", "20m0s acknowledged 2 day 20m0s"}},
		"shelved":                   {critical, agent.Shelved, agent.StateShelved, []string{"20m0s shelved 2 siren 20m0s", "20m0s shelved 2 day 20m0s"}},
		"out of service":            {warning, agent.OutOfService, agent.StateOutOfService, []string{"20m0s out-of-service 2 siren 20m0s", "20m0s out-of-service 2 day 20m0s"}},
		"a warning returns":         {warning, agent.Cleared, agent.StateRtnUnack, []string{"20m0s cleared 2 siren 20m0s", "20m0s cleared 2 day 20m0s"}},
		"a critical returns":        {critical, agent.Cleared, agent.StateRtnUnack, []string{"20m0s cleared 2 siren 20m0s", "20m0s cleared 2 day 20m0s", "30m0s cleared 3 region 30m0s"}},
		"a critical latches":        {critical, agent.Latched, agent.StateLatched, []string{"20m0s latched 2 siren 20m0s", "20m0s latched 2 day 20m0s", "30m0s latched 3 region 30m0s"}},
		"gone for good":             {critical, agent.Cleared, agent.StateNormal, []string{"20m0s cleared 2 siren 20m0s", "20m0s cleared 2 day 20m0s"}},
		"another one's message":     {critical, agent.Suppressed, agent.StateSuppressed, []string{"20m0s suppressed 2 siren 20m0s", "20m0s suppressed 2 day 20m0s"}},
		"it asks again, from anew":  {critical, agent.ReAlarmed, agent.StateUnack, []string{"20m0s re-alarmed 1 siren 0s", "30m0s re-alarmed 2 day 10m0s", "50m0s re-alarmed 3 region 30m0s"}},
		"raised again goes on":      {critical, agent.Raised, agent.StateUnack, []string{"20m0s raised 2 siren 20m0s", "20m0s raised 2 day 20m0s", "30m0s raised 3 region 30m0s"}},
		"back from the shelf again": {critical, agent.Unshelved, agent.StateUnack, []string{"20m0s unshelved 1 siren 0s", "30m0s unshelved 2 day 10m0s", "50m0s unshelved 3 region 30m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, setup(), noon)
			p.event(c.severity, agent.Raised, agent.StateUnack)
			p.pass(20 * time.Minute)
			if c.what != "" {
				p.event(c.severity, c.what, c.state)
			}
			p.pass(time.Hour)
			p.want(append(slices.Clone(climbed), c.want...)...)
		})
	}
}

func TestWhoIsConcerned(t *testing.T) {
	for name, c := range map[string]struct {
		event agent.AlarmEvent
		want  string
	}{
		"info is for nobody":           {agent.AlarmEvent{Severity: agent.SeverityInfo, Zone: "cold", State: agent.StateUnack}, ""},
		"unless it is named":           {agent.AlarmEvent{Severity: agent.SeverityInfo, Zone: "cellar", State: agent.StateUnack}, "0s raised 1 tech 0s"},
		"levels of one time are one":   {agent.AlarmEvent{Severity: critical, Zone: "cellar", State: agent.StateUnack}, "0s raised 1 techsiren 0s"},
		"alarms of no place":           {agent.AlarmEvent{Severity: warning, State: agent.StateUnack}, "0s raised 1 siren 0s"},
		"another one's message spoke":  {agent.AlarmEvent{Severity: critical, State: agent.StateUnack, Cause: "x"}, ""},
		"raised under its shelf":       {agent.AlarmEvent{Severity: critical, State: agent.StateShelved}, ""},
		"taken from its shelf, normal": {agent.AlarmEvent{Severity: critical, State: agent.StateNormal, Transition: agent.Unshelved}, ""},
	} {
		p := newPlay(t, setup(), noon)
		c.event.ID = "a:p:01000000:1"
		if c.event.Transition == "" {
			c.event.Transition = agent.Raised
		}
		p.take(p.e.Step(escalate.Input{At: p.now, Alarm: &c.event}))
		if got := strings.Join(p.out, "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// An alarm that comes and goes climbs all the same: what counts is how long it was there.
func TestFlappingClimbs(t *testing.T) {
	p := newPlay(t, setup(), noon)
	for range 3 {
		p.event(warning, agent.Raised, agent.StateUnack)
		p.pass(4 * time.Minute)
		p.event(warning, agent.Cleared, agent.StateRtnUnack)
		p.pass(time.Hour)
	}
	if got := strings.Join(p.out, "\n"); !strings.Contains(got, "2h10m0s raised 2 ") && !strings.Contains(got, "raised 2 day 10m0s") {
		t.Errorf("called\n%s", got)
	}
}

func TestOneCause(t *testing.T) {
	p := newPlay(t, setup(), noon)
	raised := agent.AlarmEvent{ID: "silent:a:01000000:1", Alarm: "silent", Severity: warning, Transition: agent.Raised, State: agent.StateUnack, Points: []agent.PointID{"a/t", "b/t"}}
	p.take(p.e.Step(escalate.Input{At: p.now, Alarm: &raised}))
	p.pass(time.Minute)
	quiet := raised
	quiet.Transition, quiet.State, quiet.Cause = agent.Cleared, agent.StateRtnUnack, raised.ID
	p.take(p.e.Step(escalate.Input{At: p.now, Alarm: &quiet}))
	p.pass(time.Minute)
	back := agent.AlarmEvent{ID: "silent:b:01000000:2", Alarm: "silent", Severity: warning, Transition: agent.Cleared, State: agent.StateRtnUnack, Points: raised.Points}
	p.take(p.e.Step(escalate.Input{At: p.now, Alarm: &back}))
	p.pass(time.Hour)
	p.want("0s raised 1 siren 0s", "2m0s cleared 1 siren 2m0s")
}

func TestQuietHours(t *testing.T) {
	evening := time.Date(2026, 3, 4, 21, 55, 0, 0, berlin)
	p := newPlay(t, setup(), evening)
	p.event(warning, agent.Raised, agent.StateUnack)
	p.pass(10 * time.Hour)
	p.want("0s raised 1 siren 0s", "8h5m0s raised 2 night 8h5m0s", "8h5m0s raised 3 region 8h5m0s")

	p = newPlay(t, setup(), evening)
	p.event(critical, agent.Raised, agent.StateUnack)
	p.pass(10 * time.Hour)
	p.want("0s raised 1 siren 0s", "10m0s raised 2 night 10m0s", "30m0s raised 3 region 30m0s")

	// What came and went in the night is told in the morning, as it then is.
	p = newPlay(t, setup(), evening.Add(time.Hour))
	p.event(warning, agent.Raised, agent.StateUnack)
	p.pass(15 * time.Minute)
	p.event(warning, agent.Cleared, agent.StateRtnUnack)
	p.pass(10 * time.Hour)
	p.want("7h5m0s cleared 1 siren 15m0s", "7h5m0s cleared 2 night 15m0s")

	// Who was told before is told of the end after; what somebody acknowledged waits for nobody.
	p = newPlay(t, setup(), evening.Add(-15*time.Minute))
	p.event(warning, agent.Raised, agent.StateUnack)
	p.pass(40 * time.Minute)
	p.event(warning, agent.Acknowledged, agent.StateAck)
	p.pass(10 * time.Hour)
	p.want("0s raised 1 siren 0s", "10m0s raised 2 night 10m0s", "40m0s acknowledged 2 siren 40m0s", "8h20m0s acknowledged 2 night 40m0s")
}

// On a Saturday night no keeper is on duty: the region is told in its time, the keeper in the
// morning.
func TestNobodyOnDuty(t *testing.T) {
	p := newPlay(t, setup(), time.Date(2026, 3, 7, 23, 0, 0, 0, berlin))
	p.event(critical, agent.Raised, agent.StateUnack)
	p.pass(12 * time.Hour)
	p.want("0s raised 1 siren 0s", "30m0s raised 3 region 30m0s", "9h0m0s raised 2 day 9h0m0s")
}

// The quiet hours of 22:00 to 06:00 take 7 hours on the day on which the clocks go forward, and
// 9 on the day on which they go back.
func TestDaysOf23And25Hours(t *testing.T) {
	for day, hours := range map[string]string{"2026-03-28": "7h0m0s", "2026-10-24": "9h0m0s", "2026-03-27": "8h0m0s"} {
		begin, err := time.ParseInLocation(time.DateOnly, day, berlin)
		if err != nil {
			t.Fatal(err)
		}
		p := newPlay(t, setup(), begin.Add(22*time.Hour))
		p.event(warning, agent.Raised, agent.StateUnack)
		p.pass(time.Minute)
		p.event(warning, agent.Cleared, agent.StateRtnUnack)
		p.pass(12 * time.Hour)
		p.want(hours + " cleared 1 siren 1m0s")
	}
}

func TestPowerCut(t *testing.T) {
	climb := func(severity agent.Severity) *play {
		p := newPlay(t, setup(), noon)
		p.event(severity, agent.Raised, agent.StateUnack)
		p.pass(5 * time.Minute)
		return p
	}
	t.Run("short", func(t *testing.T) {
		p := climb(critical)
		p.cut(2*time.Minute, boot2, true)
		p.pass(time.Hour)
		p.want("0s raised 1 siren 0s", "10m0s raised 2 day 10m0s", "30m0s raised 3 region 30m0s")
	})
	t.Run("a level came due", func(t *testing.T) {
		p := climb(critical)
		p.cut(15*time.Minute, boot2, true)
		p.pass(time.Hour)
		p.want("0s raised 1 siren 0s", "20m0s raised 2 day 20m0s late", "30m0s raised 3 region 30m0s")
	})
	t.Run("only the agent stopped", func(t *testing.T) {
		p := climb(critical)
		p.cut(2*time.Hour, boot1, true)
		p.pass(time.Hour)
		p.want("0s raised 1 siren 0s", "2h5m0s raised 2 day 2h5m0s late", "2h5m0s raised 3 region 2h5m0s late")
	})
	t.Run("nobody knows how long, until the clock is set", func(t *testing.T) {
		p := climb(critical)
		wall := p.now.Wall
		p.cut(0, boot2, false)
		p.pass(time.Minute)
		p.want("0s raised 1 siren 0s")
		p.now.Wall, p.now.Trust = wall.Add(8*time.Minute), agent.ClockSynced
		p.take(p.e.Step(escalate.Input{At: p.now}))
		p.pass(time.Hour)
		p.want("0s raised 1 siren 0s", "13m0s raised 2 day 13m0s late", "30m0s raised 3 region 30m0s")
	})
	t.Run("quiet hours ended meanwhile", func(t *testing.T) {
		p := newPlay(t, setup(), time.Date(2026, 3, 4, 23, 0, 0, 0, berlin))
		p.event(warning, agent.Raised, agent.StateUnack)
		p.cut(9*time.Hour, boot2, true)
		if len(p.out) != 3 || p.out[0] != "9h0m0s raised 1 siren 9h0m0s late" {
			t.Errorf("%q", p.out)
		}
	})
}

// No step of the wall clock makes or swallows a level.
func TestClockSteps(t *testing.T) {
	for _, step := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		p := newPlay(t, setup(), noon)
		p.event(critical, agent.Raised, agent.StateUnack)
		p.pass(5 * time.Minute)
		p.now.Wall = p.now.Wall.Add(step)
		p.began.Wall = p.began.Wall.Add(step)
		p.pass(time.Hour)
		p.want("0s raised 1 siren 0s", "10m0s raised 2 day 10m0s", "30m0s raised 3 region 30m0s")
	}
}

func TestSounding(t *testing.T) {
	p := newPlay(t, setup(), noon)
	is := func(output string, want agent.Severity) {
		t.Helper()
		if got := p.e.Sounding(output); got != want {
			t.Errorf("%s sounds for %q, want %q", output, got, want)
		}
	}
	is("siren", "")
	p.event(critical, agent.Raised, agent.StateUnack)
	is("siren", critical)
	is("horn", "")
	p.event(critical, agent.Cleared, agent.StateRtnUnack)
	is("siren", "")
	p.event(critical, agent.Raised, agent.StateUnack)
	is("siren", critical)
	p.event(critical, agent.Acknowledged, agent.StateAck)
	is("siren", "")
}

func TestReconcile(t *testing.T) {
	open := func(n int, s agent.AlarmState, since time.Duration) escalate.Open {
		return escalate.Open{Since: at(noon).Add(since), Event: agent.AlarmEvent{
			ID: agent.AlarmEventID(fmt.Sprintf("high:p%d:01000000:1", n)), Alarm: "high", Severity: critical, Transition: agent.Raised, State: s,
		}}
	}
	p := newPlay(t, setup(), noon)
	p.event(critical, agent.Raised, agent.StateUnack) // gone after the start
	p.take(p.e.Reconcile(p.now, []escalate.Open{
		open(1, agent.StateUnack, -15*time.Minute), open(2, agent.StateRtnUnack, -time.Hour), open(3, agent.StateUnack, 0),
	}))
	p.pass(time.Hour)
	p.want("0s raised 1 siren 0s", // of the one that is gone
		"0s raised 1 siren 15m0s late", "0s raised 2 day 15m0s late", "0s raised 1 siren 0s",
		"10m0s raised 2 day 10m0s", "15m0s raised 3 region 30m0s", "30m0s raised 3 region 30m0s")
}

func TestBadStates(t *testing.T) {
	for _, text := range []string{"", "{}", `{"v":2}`, `{"v":1,"line":{"now":5}}`, `{"v":1,"line":{"now":0},"alarms":{"a":null}}`, `{"v":1,"line":{"now":0},"alarms":{"a":{"event":{"id":"a:b:1:1","severity":"x"}}}}`} {
		if err := escalate.New(setup()).Restore([]byte(text)); err == nil {
			t.Errorf("%s was restored", text)
		}
	}
}
