package alarm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// plain is the limit rule written as plainly as can be: one second after the other, with
// everything that was ever outside remembered.
type plain struct {
	set      limit.Settings
	every    int // seconds
	outside  []bool
	held     int
	out      bool // the newest value is outside
	until    int  // and holds until then
	run      bool // an excursion is under way
	raised   bool // by a run
	active   bool
	happened []string
}

func (p *plain) second(s int, sample string) {
	if s > 0 {
		counts := p.out && s <= p.until
		p.outside = append(p.outside, counts)
		if counts {
			p.held++
		}
	}
	p.judge(s)
	if sample == "" {
		return
	}
	p.sample(s, sample)
	p.judge(s)
}

func (p *plain) sample(s int, sample string) {
	if strings.HasPrefix(sample, "!") {
		p.until = min(p.until, s)
		return
	}
	doubtful := strings.HasPrefix(sample, "~")
	v := *val(strings.TrimPrefix(sample, "~"))
	switch {
	case v > *p.set.Above:
		p.out, p.run, p.until = true, true, s+3*p.every
	case doubtful:
		p.until = min(p.until, s)
	case p.raised && p.set.Deadband > 0 && v >= *p.set.Above-p.set.Deadband:
		p.out = false
	default:
		p.out, p.run, p.raised, p.held = false, false, false, 0
	}
}

func (p *plain) judge(s int) {
	byRun := p.set.For > 0 || p.set.Total == 0
	if byRun && p.run && p.held >= int(p.set.For/time.Second) {
		p.raised = true
	}
	active := p.raised
	if p.set.Total > 0 {
		first := 0
		if p.set.Within != limit.Trip {
			w, err := time.ParseDuration(string(p.set.Within))
			if err != nil {
				panic(err)
			}
			first = max(0, len(p.outside)-int(w/time.Second))
		}
		sum := 0
		for _, o := range p.outside[first:] {
			if o {
				sum++
			}
		}
		active = active || sum >= int(p.set.Total/time.Second)
	}
	if active != p.active {
		p.active = active
		p.happened = append(p.happened, fmt.Sprintf("%v@%d", active, s))
	}
}

// TestAgainstReference: on any series of samples, gaps and faults the limit rule raises and
// clears in the same seconds as its plain counterpart.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const every = 4
		set := limit.Settings{Above: val("8"), Deadband: *val(rapid.SampledFrom([]string{"0", "0.5"}).Draw(t, "deadband"))}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 1:
			set.For = time.Duration(rapid.IntRange(1, 30).Draw(t, "for")) * time.Second
		case 2:
			set.Total, set.Within = time.Duration(rapid.IntRange(1, 40).Draw(t, "total"))*time.Second, limit.Trip
		case 3:
			set.Total, set.Within = time.Duration(rapid.IntRange(1, 40).Draw(t, "total"))*time.Second, "60s"
		case 4:
			set.For = time.Duration(rapid.IntRange(1, 30).Draw(t, "for")) * time.Second
			set.Total, set.Within = time.Duration(rapid.IntRange(1, 40).Draw(t, "total"))*time.Second, "60s"
		}
		p := &plain{set: set, every: every}
		point := pointOf(air.Point, agent.Temperature, "cold-room-1", every*time.Second)
		e, err := alarm.New(alarm.Setup{Kinds: allKinds(), Specs: []alarm.Spec{limitSpec(set)}, Points: []alarm.Point{point}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		note := func(out alarm.Output) {
			for _, ev := range out.Events {
				second := (ev.At.Mono - time.Hour + time.Second - 1) / time.Second
				got = append(got, fmt.Sprintf("%v@%d", ev.Alarm.Transition == agent.Raised, second))
			}
		}
		texts := []string{"", "", "9", "9", "9", "8", "7.6", "7.5", "7", "!crc", "~60", "~-40"}
		history := []string{}
		for s := range rapid.IntRange(1, 200).Draw(t, "seconds") {
			sample := ""
			if s == 0 {
				sample = "5" // the line begins here
			} else if s%every == 0 || rapid.IntRange(0, 9).Draw(t, "also") == 0 {
				sample = rapid.SampledFrom(texts).Draw(t, "sample")
			}
			history = append(history, fmt.Sprintf("%d:%s", s, sample))
			p.second(s, sample)
			if sample != "" {
				note(e.Step(reading(point, at(time.Duration(s)*time.Second), sample)))
			}
		}
		note(e.Step(alarm.Input{At: at(time.Duration(len(history)-1) * time.Second)}))
		if a, b := strings.Join(got, " "), strings.Join(p.happened, " "); a != b {
			t.Fatalf("%+v\n%s\ngot  %s\nwant %s", set, strings.Join(history, " "), a, b)
		}
	})
}
