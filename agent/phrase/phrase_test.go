package phrase

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
)

var (
	en  = Book{agent.English: {}, agent.Chinese: {}}.In(agent.Voice{})
	enF = Book{agent.English: {}}.In(agent.Voice{Unit: agent.Fahrenheit})
	zh  = Book{agent.Chinese: {}}.In(agent.Voice{Language: agent.Chinese})
)

func TestCommonWordsAreThereInEveryLanguage(t *testing.T) {
	for language, table := range common {
		for key, text := range common[agent.English] {
			if table[key] == "" {
				t.Errorf("%s has no %s", language, key)
			}
			for _, name := range Placeholders(text) {
				if !strings.Contains(table[key], "{"+name+"}") && key != "list.more" {
					t.Errorf("%s %s: %q has no {%s}", language, key, table[key], name)
				}
			}
		}
		if len(table) != len(common[agent.English]) {
			t.Errorf("%s has %d words, English %d", language, len(table), len(common[agent.English]))
		}
		w := Book{language: {}}.In(agent.Voice{Language: language})
		for _, q := range agent.Quantities() {
			if _, ok := table["quantity."+string(q)]; !ok {
				t.Errorf("%s has no word for %s", language, q)
			}
			if _, ok := w.State(q, true); ok != (q.Kind() == agent.State) {
				t.Errorf("%s: a state of %s: %v", language, q, ok)
			}
		}
		for f := agent.FaultAbsent; f <= agent.FaultIO; f++ {
			if text, ok := table["fault."+f.String()]; !ok || language == agent.English && text != f.String() {
				t.Errorf("%s calls fault %s %q", language, f, text)
			}
		}
		for _, s := range agent.Severities() {
			if _, ok := table["severity."+string(s)]; !ok {
				t.Errorf("%s has no word for %s", language, s)
			}
		}
	}
	if got := zh.Fault(agent.Fault(200)) + zh.Quantity("ozone"); got != "fault-200ozone" {
		t.Errorf("what no table knows is %q", got)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		250 * time.Millisecond:        {"250 ms", "250 毫秒"},
		45 * time.Second:              {"45 s", "45 秒"},
		5 * time.Minute:               {"5 min", "5 分钟"},
		90 * time.Second:              {"1 min 30 s", "1 分钟 30 秒"},
		time.Hour:                     {"1 h", "1 小时"},
		90 * time.Minute:              {"1 h 30 min", "1 小时 30 分钟"},
		24 * time.Hour:                {"1 d", "1 天"},
		49*time.Hour + 30*time.Minute: {"2 d 1 h", "2 天 1 小时"},
		time.Hour + 5*time.Second:     {"1 h 5 s", "1 小时 5 秒"},
	} {
		if got := [2]string{en.Span(d), zh.Span(d)}; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10 分钟", 24 * time.Hour: "24 小时", 36 * time.Hour: "36 小时", 48 * time.Hour: "2 天", 720 * time.Hour: "30 天",
	} {
		if got := zh.Window(d); got != want {
			t.Errorf("a window of %s: %q, want %q", d, got, want)
		}
	}
}

func value(t testing.TB, text string) agent.Value {
	t.Helper()
	v, err := agent.ParseValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Conversions are exact: 9/5 of up to five decimals has at most six.
func TestFahrenheit(t *testing.T) {
	for _, c := range []struct{ celsius, exact, rounded, difference string }{
		{"0", "32 °F", "32 °F", "0 °F"},
		{"8", "46.4 °F", "46.4 °F", "14.4 °F"},
		{"2", "35.6 °F", "35.6 °F", "3.6 °F"},
		{"-0.5", "31.1 °F", "31.1 °F", "-0.9 °F"},
		{"-18", "-0.4 °F", "-0.4 °F", "-32.4 °F"},
		{"-40", "-40 °F", "-40 °F", "-72 °F"},
		{"-273.15", "-459.67 °F", "-459.67 °F", "-491.67 °F"},
		{"45", "113 °F", "113 °F", "81 °F"},
		{"8.01", "46.418 °F", "46.42 °F", "14.42 °F"},
		{"0.00001", "32.000018 °F", "32 °F", "0 °F"},
		{"0.000001", "32.000002 °F", "32 °F", "0 °F"},
		{"-0.000001", "31.999998 °F", "32 °F", "0 °F"},
		{"9223372036854.775807", "9223372036854.775807 °C", "", ""}, // no temperature: it would not fit
	} {
		v := value(t, c.celsius)
		if got := enF.Exact(v, agent.Temperature); got != c.exact {
			t.Errorf("%s °C is %s, want %s", c.celsius, got, c.exact)
		}
		if c.rounded == "" {
			continue
		}
		if got := enF.Value(v, nil, agent.Temperature); got != c.rounded {
			t.Errorf("%s °C is about %s, want %s", c.celsius, got, c.rounded)
		}
		if got := enF.Difference(v, agent.Temperature); got != c.difference {
			t.Errorf("a difference of %s °C is %s, want %s", c.celsius, got, c.difference)
		}
	}
	if got := enF.Exact(value(t, "55.5"), agent.Humidity) + ", " + en.Exact(value(t, "8"), agent.Temperature); got != "55.5 %RH, 8 °C" {
		t.Error(got)
	}
	if got := enF.ExactDifference(value(t, "0.123456"), agent.Temperature); got != "0.222221 °F" {
		t.Error(got)
	}
}

// A value on one side of a limit is told on that side of it, in either unit.
func TestRoundingNeverPutsAValueOnItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := agent.Value(rapid.Int64Range(-300_000_000, 2_000_000_000).Draw(t, "value"))
		limit := v + agent.Value(rapid.Int64Range(-20_000, 20_000).Draw(t, "off"))
		for _, w := range []Words{en, enF} {
			if v != limit && w.Value(v, &limit, agent.Temperature) == w.Exact(limit, agent.Temperature) {
				t.Fatalf("%s is told as its limit %s", v, limit)
			}
		}
		f, ok := nineFifths(v)
		if off := 5*f - 9*v; !ok || off < -2 || off > 2 {
			t.Fatalf("9/5 of %s is %s", v, f)
		}
	})
}

func TestListsAndSpacing(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	if got := en.List(names, 5) + " | " + zh.List(names, 5) + " | " + zh.List(names[:2], 5); got != "a, b, c, d, e and 2 more | a、b、c、d、e 等共 7 项 | a、b" {
		t.Error(got)
	}
	w := Book{agent.English: {"s": "{where} {what}"}, agent.Chinese: {"s": "{where}{what}{value}，{none}"}}
	for where, want := range map[string]string{
		"2号冷库": "2号冷库温度 -4 °C，", "Room 2": "Room 2 温度 -4 °C，", "冷库 (北)": "冷库 (北) 温度 -4 °C，", "“北”": "“北”温度 -4 °C，", "": "温度 -4 °C，",
	} {
		got := w.In(agent.Voice{Language: agent.Chinese}).Say("s", Set{"where": where, "what": "温度", "value": "-4 °C", "none": ""}.Word)
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := w.In(agent.Voice{Language: "fr"}).Say("s", Set{"where": "冷库"}.Word); got != "冷库 {what}" {
		t.Errorf("a language that the book has not: %q", got)
	}
}
