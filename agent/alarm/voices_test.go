package alarm_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/battery"
	"github.com/frostline/frostline/agent/alarm/condensation"
	"github.com/frostline/frostline/agent/alarm/cooling"
	"github.com/frostline/frostline/agent/alarm/disagree"
	"github.com/frostline/frostline/agent/alarm/doorajar"
	"github.com/frostline/frostline/agent/alarm/flatline"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/alarm/mkt"
	"github.com/frostline/frostline/agent/alarm/powerfailure"
	"github.com/frostline/frostline/agent/alarm/rate"
	"github.com/frostline/frostline/agent/health"
)

// voices are all there are beside English with °C.
var voices = []agent.Voice{
	{Language: agent.Chinese}, {Language: agent.English, Unit: agent.Fahrenheit}, {Language: agent.Chinese, Unit: agent.Fahrenheit},
}

// chapter is one alarm and its history, as alarmtest has it; beside its words there are commands:
// ack, reset, shelve, unshelve, out, in.
type chapter struct {
	kind     string
	settings any
	spec     alarm.Spec
	points   []alarm.Point
	history  string
}

// at2 is a point of the second room, whose name is Chinese.
func at2(id agent.PointID, q agent.Quantity) alarm.Point {
	p := pointOf(id, q, "cr2", time.Minute)
	p.Bus = "i2c-1"
	return p
}

func chapters() []chapter {
	const m = time.Minute
	temperature := []alarm.Point{at2("air/temperature", agent.Temperature)}
	limits := &limit.Settings{Above: val("8"), For: 5 * m}
	due := at2("air/temperature", agent.Temperature)
	due.Due = alarmtest.Base.Wall.Add(10 * 24 * time.Hour)
	other := due
	other.Point, other.Definition = "shelf/temperature", agent.Definition{Point: "shelf/temperature", Quantity: agent.Temperature, Zone: "cr2"}
	other.Definition = other.Identified()
	sensors := []alarm.Point{at2("air/temperature", agent.Temperature), at2("air/humidity", agent.Humidity), at2("shelf/temperature", agent.Temperature)}
	return []chapter{
		{"limit", limits, alarm.Spec{Advice: "请关门，并致电李伟"}, temperature, "9x6 ack 5"},
		{"limit", limits, alarm.Spec{Latching: true, ReAlarm: 3 * m}, temperature, "9x6 ack 9x4 5 ack reset"},
		{"limit", limits, alarm.Spec{}, temperature, "9x6 shelve 9 unshelve out in 5"},
		{"limit", &limit.Settings{Below: val("2"), Total: 90 * m, Within: "24h"}, alarm.Spec{}, temperature, "-0.5x91 3"},
		{"limit", &limit.Settings{AtOrBelow: val("40")}, alarm.Spec{}, []alarm.Point{at2("air/humidity", agent.Humidity)}, "35 55"},
		{"limit", &limit.Settings{Above: val("8")}, alarm.Spec{}, append(temperature, at2("door/open", agent.Door)), "door=1 9 9x30 5"},
		{"rate", &rate.Settings{Rise: val2("2"), Within: 10 * m}, alarm.Spec{}, temperature, "4 4 5 6.1 6.1x15"},
		{"rate", &rate.Settings{Fall: val2("1.5"), Within: 10 * m}, alarm.Spec{}, temperature, "6 6 5 4.1 4.1x15"},
		{"flat-line", &flatline.Settings{For: 30 * m}, alarm.Spec{}, temperature, "4x32 5"},
		{"disagree", &disagree.Settings{By: val2("1"), For: 5 * m}, alarm.Spec{},
			[]alarm.Point{at2("a/temperature", agent.Temperature), at2("b/temperature", agent.Temperature)}, "a=4,b=5.5x7 a=4,b=4x12"},
		{"mkt", &mkt.Settings{Above: val("8"), Within: 24 * time.Hour, DH: 83144720}, alarm.Spec{}, temperature, "4x960 16x440 2x1500"},
		{"condensation", &condensation.Settings{Air: "air/temperature", Humidity: "air/humidity", For: 5 * m}, alarm.Spec{Point: "wall/temperature"},
			[]alarm.Point{at2("wall/temperature", agent.Temperature), at2("air/temperature", agent.Temperature), at2("air/humidity", agent.Humidity)},
			"air/t=25,air/h=50,wall=12x7 air/t=25,air/h=50,wall=20x7"},
		{"cooling", &cooling.Settings{Stages: []cooling.Stage{{From: val2("57"), To: val2("21"), Within: 2 * time.Hour}}}, alarm.Spec{}, temperature, "60 50x130 20x5"},
		{"door-ajar", &doorajar.Settings{For: 3 * m}, alarm.Spec{}, []alarm.Point{at2("door/door", agent.Door)}, "1x5 0"},
		{"power-failure", &powerfailure.Settings{For: 5 * time.Second}, alarm.Spec{}, []alarm.Point{at2("ups/power_ok", agent.PowerOK)}, "0x2 1"},
		{"battery", &battery.Settings{Below: val2("20"), For: m}, alarm.Spec{}, []alarm.Point{at2("ups/battery", agent.Battery)}, "15x3 80"},
		{"calibration-due", nil, alarm.Spec{}, []alarm.Point{due}, ".x2"},
		{"calibration-due", nil, alarm.Spec{}, []alarm.Point{due, other}, ".x2"},
		{"sensor-fault", nil, alarm.Spec{}, sensors, "air/t=!bus-stuck,air/h=!bus-stuck,shelf=!bus-stuckx5 ack air/t=5,air/h=50,shelf=5"},
		{"no-data", nil, alarm.Spec{}, sensors, "air/t=5,air/h=50,shelf=5 .x5 air/t=5,air/h=50,shelf=5"},
		{"forecast", &prophecy{}, alarm.Spec{}, temperature, "6 ack 5 9 5"},
		{"store-trouble", nil, alarm.Spec{}, nil, "+store-full +store-hanging .x10 -store-full -store-hanging"},
		{"delivery-trouble", nil, alarm.Spec{}, nil, "+upstream-login .x130 -upstream-login"},
		{"clock-trouble", nil, alarm.Spec{}, nil, "+clock-unset .x70 -clock-unset"},
	}
}

// prophecy is the settings of a kind that speaks like forecast and needs no days to learn.
type prophecy struct{}

// prophet finds that a limit will be passed when a value is above 5.
type prophet struct{ Value agent.Value }

func foretells() alarm.Kind {
	return alarm.Define(
		alarm.Facts{Name: "forecast", Scope: alarm.PerPoint, Quantity: agent.Temperature, Severity: agent.SeverityWarning}, prophecy{},
		func(prophecy) string { return "foretold" }, func(prophecy, alarm.Target) alarm.Rule { return &prophet{} })
}

func (p *prophet) Step(_ alarm.Tick, in *alarm.Input) alarm.Condition {
	if in != nil && in.Reading != nil {
		p.Value = in.Reading.Value
	}
	return alarm.Condition{Active: p.Value > val2("5")}
}

func (p *prophet) Explain() alarm.Finding {
	v := p.Value
	f := alarm.Finding{Word: alarm.Forecast, Value: &v, Limit: val("8")}
	if v < val2("8") {
		f.Soonest, f.For = 34*time.Minute, 71*time.Minute
	}
	return f
}

func (p *prophet) State() any { return p }

func val2(s string) agent.Value { return *val(s) }

func (c chapter) setup(points []alarm.Point) alarm.Setup {
	s := c.spec
	s.ID, s.Kind, s.Settings = "rule", c.kind, c.settings
	for _, k := range allKinds() {
		if k.Name == c.kind && k.Needs() {
			s.Quantity = c.points[0].Quantity
		}
	}
	kinds := allKinds()
	for n := range kinds {
		if _, foretold := c.settings.(*prophecy); foretold && kinds[n].Name == c.kind {
			kinds[n] = foretells()
		}
	}
	return alarm.Setup{
		Kinds: kinds, Specs: []alarm.Spec{s}, Points: points, Voices: voices, Names: alarm.Names{Zones: map[agent.ZoneID]string{"cr2": "2号疫苗冷库"}},
		Suppressions: []alarm.Suppression{{Zone: "cr2", Point: "door/open", Is: agent.Unit, Side: alarm.High, Longest: 15 * time.Minute}},
		Goods:        func(agent.ZoneID) []agent.ItemID { return []agent.ItemID{"mmr-10", "hpv-1"} },
	}
}

// play is what happens in the chapter.
func (c chapter) play(t *testing.T) []*agent.AlarmEvent {
	t.Helper()
	var events []*agent.AlarmEvent
	commands := map[string]agent.Transition{
		"ack": agent.Acknowledged, "reset": agent.Reset, "shelve": agent.Shelved, "unshelve": agent.Unshelved, "out": agent.OutOfService, "in": agent.InService,
	}
	e, err := alarm.New(c.setup(c.points))
	if err != nil {
		t.Fatal(err)
	}
	read := alarmtest.Case{Points: c.points}
	now := alarmtest.Base
	for _, step := range steps(t, c.history) {
		now = now.Add(time.Minute)
		if do := commands[step]; do != "" {
			out, err := e.Command(now, alarm.Command{Do: do, ID: "rule", By: "李伟", Comment: "正在检修", For: 30 * time.Minute})
			if err != nil {
				t.Fatalf("%s: %s: %v", c.kind, step, err)
			}
			events = append(events, alarmsOf(out)...)
			continue
		}
		for n, word := range strings.Split(step, ",") {
			in := read.Input(t, now.Add(time.Duration(n)*time.Millisecond), word)
			if in.Trouble != nil && c.kind == "delivery-trouble" {
				in.Trouble.Subject = "upstream/hq"
			}
			events = append(events, alarmsOf(e.Step(in))...)
		}
	}
	return events
}

// steps repeats what ends in xN.
func steps(t *testing.T, history string) []string {
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

func alarmsOf(out alarm.Output) []*agent.AlarmEvent {
	var all []*agent.AlarmEvent
	for _, ev := range out.Events {
		all = append(all, ev.Alarm)
	}
	return all
}

// TestMessagesInEveryVoice holds what is said in every language and unit against
// testdata/messages.zh.txt, each under its English. Of every kind there is a chapter.
func TestMessagesInEveryVoice(t *testing.T) {
	events, specs := everyday(t)
	kinds := map[string]bool{}
	for n := range specs {
		kinds[specs[n].Kind] = true
	}
	for _, c := range chapters() {
		kinds[c.kind] = true
		told := c.play(t)
		if len(told) == 0 {
			t.Errorf("nothing happens in a chapter of kind %s", c.kind)
		}
		events = append(events, told...)
	}
	for _, k := range allKinds() {
		if !kinds[k.Name] {
			t.Errorf("no message of kind %s is heard", k.Name)
		}
	}
	heard := map[agent.Transition]bool{}
	var b strings.Builder
	for _, a := range events {
		heard[a.Transition] = true
		if a.In(agent.Voice{}) != a.Message {
			t.Errorf("English is %q", a.In(agent.Voice{}))
		}
		fmt.Fprintf(&b, "%s %s\n  en   %s\n", a.Kind, a.Transition, a.Message)
		if got := slices.Sorted(maps.Keys(a.Texts)); fmt.Sprint(got) != "[en-f zh zh-f]" {
			t.Errorf("%s %s is told in %v", a.Kind, a.Transition, got)
		}
		for _, v := range voices {
			text := a.In(v)
			if text == "" || strings.ContainsAny(text, "{}") || v.Unit == agent.Fahrenheit && strings.Contains(text, "°C") {
				t.Errorf("%s %s in %s: %q", a.Kind, a.Transition, v.Key(), text)
			}
			if v.Unit != agent.Fahrenheit || strings.Contains(text, "°F") {
				fmt.Fprintf(&b, "  %-4s %s\n", v.Key(), text)
			}
		}
	}
	for _, tr := range []agent.Transition{
		agent.Raised, agent.Cleared, agent.Acknowledged, agent.ReAlarmed, agent.Latched, agent.Reset,
		agent.Shelved, agent.Unshelved, agent.Suppressed, agent.Unsuppressed, agent.OutOfService, agent.InService,
	} {
		if !heard[tr] {
			t.Errorf("%s is never heard", tr)
		}
	}
	compare(t, "testdata/messages.zh.txt", b.String())
}

// Every trouble of the gateway that an alarm can be about has a name in Chinese.
func TestTroublesHaveNamesInEveryLanguage(t *testing.T) {
	prefixes := map[string]string{"store-": "store-trouble", "clock-": "clock-trouble", "upstream-": "delivery-trouble"}
	for _, cond := range health.Conditions() {
		kind := ""
		for prefix, k := range prefixes {
			if strings.HasPrefix(cond.Code, prefix) {
				kind = k
			}
		}
		if kind == "" {
			continue
		}
		events := chapter{kind: kind, history: "+" + cond.Code + " .x120"}.play(t)
		if len(events) != 1 || strings.Contains(events[0].Texts["zh"], "trouble") {
			t.Errorf("%s: %d events, in Chinese %q", cond.Code, len(events), events[0].Texts["zh"])
		}
	}
}

// What an alarm that left the config says, it says in every voice; so does what stands.
func TestStandingAndRetiredInEveryVoice(t *testing.T) {
	c := chapters()[0]
	e := engine(t, c.setup(c.points))
	for n := range 7 {
		e.Step(alarmtest.Case{Points: c.points}.Input(t, alarmtest.Base.Add(time.Duration(n)*time.Minute), "9"))
	}
	all := e.Active()
	if len(all) != 1 || !strings.HasPrefix(all[0].Texts["zh-f"], "2号疫苗冷库温度 48.2 °F，高于 46.4 °F 持续 5 分钟") {
		t.Fatalf("%+v", all)
	}
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	setup := c.setup(c.points)
	setup.Specs = nil
	next := engine(t, setup)
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	out := alarmsOf(next.Step(alarm.Input{At: alarmtest.Base.Add(time.Hour)}))
	if len(out) != 1 || out[0].Texts["zh"] != "报警 rule:air/temperature 已不在配置中" {
		t.Errorf("%+v", out)
	}
}
