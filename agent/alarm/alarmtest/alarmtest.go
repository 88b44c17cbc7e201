// Package alarmtest lets kinds of alarm live through histories, and holds the suite that
// every kind passes.
package alarmtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Base is when every history begins.
var Base = agent.Instant{
	Wall: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Mono: time.Hour,
	Boot: agent.BootID{0x12, 0x34}, Trust: agent.ClockSynced,
}

// Point is a point of the zone cold-room-1, read every minute, in the air.
func Point(id agent.PointID, q agent.Quantity) alarm.Point {
	d := agent.Definition{Point: id, Quantity: q, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "test"}
	return alarm.Point{Definition: d.Identified(), Every: time.Minute}
}

// Case is one alarm of a kind.
type Case struct {
	Kind     alarm.Kind
	Settings any // a pointer, as the kind's Config returns; nil for its defaults
	Spec     alarm.Spec
	Points   []alarm.Point
}

// Engine is an engine with this alarm alone.
func (c Case) Engine(t testing.TB) *alarm.Engine {
	t.Helper()
	s := c.Spec
	s.ID, s.Kind, s.Settings = "rule", c.Kind.Name, c.Settings
	e, err := alarm.New(alarm.Setup{Kinds: []alarm.Kind{c.Kind}, Specs: []alarm.Spec{s}, Points: c.Points})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Input is what a word of a history stands for, at a moment: "name=5" is a value of the point
// whose id begins with that name, "5" one of the first point; "!crc" in the place of a value is
// a fault, "~5" a value marked implausible; "+upstream-login" and "-upstream-login" are troubles that come
// and go; "^" is a start of the agent; "." is nothing.
func (c Case) Input(t testing.TB, at agent.Instant, word string) alarm.Input {
	t.Helper()
	in := alarm.Input{At: at}
	if word == "." {
		return in
	}
	if word == "^" {
		in.Start = true
		return in
	}
	if code, trouble := strings.CutPrefix(word, "+"); trouble {
		in.Trouble = &alarm.Trouble{Code: code, Title: "trouble " + code, Here: true}
		return in
	}
	if code, trouble := strings.CutPrefix(word, "-"); trouble && len(c.Points) == 0 {
		in.Trouble = &alarm.Trouble{Code: code, Title: "trouble " + code}
		return in
	}
	p := c.Points[0]
	if name, value, ok := strings.Cut(word, "="); ok {
		word = value
		for _, one := range c.Points {
			if strings.HasPrefix(string(one.Point), name) {
				p = one
			}
		}
	}
	r := &agent.Reading{Def: p.ID, At: at}
	in.Reading, in.Definition = r, &p.Definition
	if fault, ok := strings.CutPrefix(word, "!"); ok {
		f, err := agent.ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		r.Fault = f
		return in
	}
	if word[0] == '~' {
		word, r.Marks = word[1:], agent.MarkImplausible
	}
	v, err := agent.ParseValue(word)
	if err != nil {
		t.Fatal(err)
	}
	r.Value, r.Raw = v, v
	return in
}

// Story steps an engine through a history, one word a minute, words joined by a comma at one
// minute, and returns what happened: "3:raised 7:cleared", with the minute. "5x30" is thirty minutes of 5.
func (c Case) Story(t testing.TB, history string) string {
	t.Helper()
	e := c.Engine(t)
	var got []string
	for minute, words := range minutes(t, history) {
		for n, word := range strings.Split(words, ",") {
			at := Base.Add(time.Duration(minute)*time.Minute + time.Duration(n)*time.Millisecond)
			for _, ev := range e.Step(c.Input(t, at, word)).Events {
				since := ev.At.Wall.Sub(Base.Wall).Minutes()
				got = append(got, fmt.Sprintf("%g:%s", float64(int(since*10))/10, ev.Alarm.Transition))
				if ev.Alarm.Message == "" || strings.Contains(ev.Alarm.Message, "%!") {
					t.Errorf("minute %d: message %q", minute, ev.Alarm.Message)
				}
			}
		}
	}
	return strings.Join(got, " ")
}

func minutes(t testing.TB, history string) []string {
	t.Helper()
	var all []string
	for _, word := range strings.Fields(history) {
		times := 1
		if i := strings.LastIndexByte(word, 'x'); i > 0 {
			if _, err := fmt.Sscanf(word[i+1:], "%d", &times); err != nil {
				t.Fatal(err)
			}
			word = word[:i]
		}
		for range times {
			all = append(all, word)
		}
	}
	return all
}

// Message is the message of the last event of a history.
func (c Case) Message(t testing.TB, history string) string {
	t.Helper()
	e := c.Engine(t)
	last := ""
	for minute, words := range minutes(t, history) {
		for _, word := range strings.Split(words, ",") {
			for _, ev := range e.Step(c.Input(t, Base.Add(time.Duration(minute)*time.Minute), word)).Events {
				last = ev.Alarm.Message
			}
		}
	}
	return last
}

// Suite checks what every kind promises, over random histories of the words: a restored
// engine does what one does that never stopped, ticks nobody asked for change nothing, and
// the rule has words for itself.
func Suite(t *testing.T, c Case, words ...string) {
	t.Helper()
	settings := c.Settings
	if settings == nil {
		settings = c.Kind.Config()
	}
	if c.Kind.Describe(settings) == "" {
		t.Error("the rule has no words for itself")
	}
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		one, cut, ticked := c.Engine(t), c.Engine(t), c.Engine(t)
		var oneEvents, tickedEvents []string
		at := Base
		for step := range 150 {
			span := []time.Duration{0, time.Second, time.Minute, time.Minute, time.Minute, 7 * time.Minute, 40 * time.Minute}[r.IntN(7)]
			in := c.Input(t, at.Add(span), words[r.IntN(len(words))])
			in.Start = r.IntN(40) == 0
			// An engine begins with its first step, and a start follows a time off: no ticks before those.
			for extra := 13 * time.Second; extra < span && !in.Start && step > 0; extra += 13 * time.Second {
				texts(t, ticked.Step(alarm.Input{At: at.Add(extra)}), &tickedEvents)
			}
			at = in.At
			var a, b []string
			texts(t, one.Step(in), &a)
			texts(t, cut.Step(in), &b)
			texts(t, ticked.Step(in), &tickedEvents)
			oneEvents = append(oneEvents, a...)
			if strings.Join(a, "\n") != strings.Join(b, "\n") {
				t.Fatalf("seed %d, step %d: restored\n%s\nnever stopped\n%s", seed, step, strings.Join(b, "\n"), strings.Join(a, "\n"))
			}
			if r.IntN(3) == 0 {
				cut = restored(t, c, cut)
			}
		}
		for n := range max(len(oneEvents), len(tickedEvents)) {
			var want, got string
			if n < len(oneEvents) {
				want = oneEvents[n]
			}
			if n < len(tickedEvents) {
				got = tickedEvents[n]
			}
			if want != got {
				t.Fatalf("seed %d: event %d with ticks\n%s\nwithout\n%s", seed, n, got, want)
			}
		}
	}
}

func restored(t *testing.T, c Case, e *alarm.Engine) *alarm.Engine {
	t.Helper()
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	next := c.Engine(t)
	if err := next.Restore(state); err != nil {
		t.Fatalf("%v\n%s", err, state)
	}
	return next
}

func texts(t *testing.T, out alarm.Output, to *[]string) {
	t.Helper()
	for _, ev := range out.Events {
		text, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		*to = append(*to, fmt.Sprintf("%v %s", ev.At.Mono, text))
	}
}
