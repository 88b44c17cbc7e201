package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
)

// wideLimit has all the rule words.
type wideLimit struct {
	Above     *agent.Value  `yaml:"above" doc:"…"`
	AtOrAbove *agent.Value  `yaml:"at_or_above" doc:"…"`
	Below     *agent.Value  `yaml:"below" doc:"…"`
	AtOrBelow *agent.Value  `yaml:"at_or_below" doc:"…"`
	For       time.Duration `yaml:"for" doc:"…"`
	Total     time.Duration `yaml:"total" doc:"…"`
	Within    string        `yaml:"within" doc:"…"`
	Deadband  agent.Value   `yaml:"deadband" doc:"…"`
}

func (l *wideLimit) Validate() error {
	if (l.Total != 0) != (l.Within != "") {
		return errors.New("total and within go together")
	}
	return nil
}

// outside reports what the limit takes for outside.
func (l *wideLimit) outside(v agent.Value) bool {
	return l.Above != nil && v > *l.Above || l.AtOrAbove != nil && v >= *l.AtOrAbove ||
		l.Below != nil && v < *l.Below || l.AtOrBelow != nil && v <= *l.AtOrBelow
}

// raises reports whether values outside for so long without a break, and so long in all,
// raise the alarm.
func (l *wideLimit) raises(run, total time.Duration) bool {
	if l.Total > 0 {
		return total >= l.Total || l.For > 0 && run >= l.For
	}
	return run >= l.For
}

// one is a profile with one limit.
type one struct{ limit Alarm }

func (o one) Names() []string                       { return []string{"p"} }
func (o one) Profile(string) (Profile, error)       { return Profile{Limits: []Alarm{o.limit}}, nil }
func (o one) Parse(string, []byte) (Profile, error) { return Profile{}, errors.New("not here") }

func knownWith(base wideLimit) Known {
	k := stubKnown()
	k.Alarms["limit"] = AlarmKind{Config: func() any { return &wideLimit{} }, Of: Points, Limit: true}
	k.Profiles = one{Alarm{ID: "high", Kind: "limit", Quantity: agent.Temperature, Role: agent.RoleProduct, Severity: agent.SeverityWarning, Settings: &base}}
	return k
}

const tightened = "site: s\ngateway: g\nzones: [{id: z, profile: p, tighten: {high: {%s}}}]\nsensors: [{id: t, driver: sht4x, zone: z, role: product}]\n"

// Whatever a zone says: either it is an error, or what raised the profile's alarm raises
// the zone's.
func TestTighteningNeverLoosens(t *testing.T) {
	words := []string{"above", "at_or_above", "below", "at_or_below"}
	rapid.Check(t, func(t *rapid.T) {
		base := wideLimit{For: time.Duration(rapid.IntRange(0, 3).Draw(t, "for")) * time.Minute}
		if rapid.Bool().Draw(t, "in all") {
			base.Total, base.Within = time.Duration(rapid.IntRange(1, 4).Draw(t, "total"))*time.Minute, "day"
		}
		limit := agent.Value(rapid.IntRange(-2, 2).Draw(t, "limit")) * agent.Unit
		*map[string]**agent.Value{"above": &base.Above, "at_or_above": &base.AtOrAbove, "below": &base.Below, "at_or_below": &base.AtOrBelow}[rapid.SampledFrom(words).Draw(t, "word")] = &limit
		before := base

		var said []string
		for _, word := range words {
			if rapid.IntRange(0, 3).Draw(t, "say "+word) == 0 {
				said = append(said, fmt.Sprintf("%s: %d", word, rapid.IntRange(-3, 3).Draw(t, word)))
			}
		}
		for _, word := range []string{"for", "total"} {
			if rapid.IntRange(0, 2).Draw(t, "say "+word) == 0 {
				said = append(said, fmt.Sprintf("%s: %dm", word, rapid.IntRange(0, 5).Draw(t, word)))
			}
		}
		c, err := Parse("x", fmt.Appendf(nil, tightened, strings.Join(said, ", ")), knownWith(base))
		if *base.limit() != limit || base.For != before.For || base.Total != before.Total {
			t.Fatalf("the profile itself has changed: %+v", base)
		}
		if err != nil {
			return
		}
		got := c.Alarms[0].Settings.(*wideLimit)
		for v := -5 * agent.Unit; v <= 5*agent.Unit; v += agent.Unit / 2 {
			if base.outside(v) && !got.outside(v) {
				t.Fatalf("%s: %s was outside and is not any more", said, v)
			}
		}
		for run := time.Duration(0); run <= 6*time.Minute; run += time.Minute {
			for total := run; total <= 6*time.Minute; total += time.Minute {
				if base.raises(run, total) && !got.raises(run, total) {
					t.Fatalf("%s: %v without a break and %v in all raised the alarm and do not any more", said, run, total)
				}
			}
		}
	})
}

func (l *wideLimit) limit() *agent.Value {
	for _, v := range []*agent.Value{l.Above, l.AtOrAbove, l.Below, l.AtOrBelow} {
		if v != nil {
			return v
		}
	}
	return nil
}

// What is stricter is taken, and only that changes.
func TestTightening(t *testing.T) {
	eight := 8 * agent.Unit
	base := wideLimit{Above: &eight, For: time.Hour, Deadband: agent.Unit}
	for said, want := range map[string]string{
		"above: 7":                    "above 7 for 1h deadband 1",
		"above: 8":                    "above 8 for 1h deadband 1",
		"at_or_above: 8":              "at_or_above 8 for 1h deadband 1",
		"for: 5m":                     "above 8 for 5m deadband 1",
		"for: 0s":                     "above 8 deadband 1",
		"above: 7.5, for: 90s":        "above 7.5 for 1m30s deadband 1",
		"above: 8.000001":             "8.000001 is looser than the profile's above 8",
		"at_or_above: 8.000001":       "at_or_above 8.000001 is looser than the profile's above 8",
		"below: 2":                    "the profile's limit high is above 8: it is not tightened by below",
		"above: 7, at_or_above: 7":    "above stands there already",
		"for: 61m":                    "1h1m is looser than the profile's 1h",
		"total: 1m":                   "the profile's limit high has no total",
		"severity: info":              "info is less than the profile's warning",
		"deadband: 2":                 "zones[0].tighten.high.deadband: unknown key",
		"above: 9999":                 "looser",
		"severity: critical, for: 1h": "above 8 for 1h deadband 1",
	} {
		c, err := Parse("x", fmt.Appendf(nil, tightened, said), knownWith(base))
		switch {
		case err == nil && Words(c.Alarms[0].Settings) != want:
			t.Errorf("%s: the alarm is %q, want %q", said, Words(c.Alarms[0].Settings), want)
		case err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x:3:")):
			t.Errorf("%s: %v, want %q in line 3", said, err, want)
		}
	}
	c, err := Parse("x", fmt.Appendf(nil, tightened, "severity: critical, advice: Run"), knownWith(base))
	if a := c.Alarms[0]; err != nil || a.ID != "z-high" || a.Zone != "z" || a.Profile != "p" || a.Severity != agent.SeverityCritical || a.Advice != "Run" || a.Points[0] != "t/temperature" {
		t.Errorf("%+v, %v", a, err)
	}
	if base.For != time.Hour || *base.Above != eight {
		t.Errorf("the profile itself has changed: %+v", base)
	}
}

// Limits become alarms as if they were written. A point without a role counts as product,
// or as air where the profile knows no product; other roles are left alone.
func TestProfilesBecomeAlarms(t *testing.T) {
	c, err := Load("testdata/profiles.good.yaml", stubKnown())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range c.Alarms {
		a := &c.Alarms[i]
		got = append(got, fmt.Sprintf("%s %s %s %v %s", a.ID, a.Role, Words(a.Settings), a.Points, a.Severity))
	}
	want := []string{
		"room-warm air above 12 [a/temperature] warning",
		"room-warm-at-c  above 12 [c/temperature] warning",
		"other-warm-at-e  above 11.5 [e/temperature] critical",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("alarms are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if z := c.Zones[0]; z.Volume != 42_500_000 || z.Objection("no").Error() != "testdata/profiles.good.yaml:6:25: zones[0].profile: no" {
		t.Errorf("%+v, %v", z, z.Objection("no"))
	}
	// Read without files, what is in one is not known, and no error.
	text := []byte("site: s\ngateway: g\nprofiles_dir: d\nzones: [{id: z, profile: mine}]\n")
	if c, err := Parse("x", text, stubKnown()); err != nil || len(c.Alarms) != 0 {
		t.Errorf("parsed: %v", err)
	}
}

// Contradict says so of every pair of bounds between which no value is left.
func TestContradict(t *testing.T) {
	limit := func(word string, v agent.Value) *Alarm {
		l := &wideLimit{}
		*map[string]**agent.Value{"above": &l.Above, "at_or_above": &l.AtOrAbove, "below": &l.Below, "at_or_below": &l.AtOrBelow}[word] = &v
		return &Alarm{ID: "a", Kind: "limit", Settings: l}
	}
	for _, c := range []struct {
		q      agent.Quantity
		upper  string
		high   agent.Value
		lower  string
		low    agent.Value
		nobody bool
	}{
		{agent.Temperature, "above", 8, "below", 2, false},
		{agent.Temperature, "above", 8, "below", 7, false},
		{agent.Temperature, "above", 8, "below", 8, true},
		{agent.Temperature, "above", 8, "below", 9, true},
		{agent.Temperature, "at_or_above", 8, "at_or_below", 7, false},
		{agent.Door, "above", 0, "below", 1, false},
	} {
		for _, turned := range []bool{false, true} {
			a, b := limit(c.upper, c.high*agent.Unit), limit(c.lower, c.low*agent.Unit)
			if turned {
				a, b = b, a
			}
			a.Quantity = c.q
			if _, yes := Contradict(a, b); yes != c.nobody {
				t.Errorf("%s %d and %s %d on %s: %v, want %v", c.upper, c.high, c.lower, c.low, c.q, yes, c.nobody)
			}
		}
	}
	if _, yes := Contradict(limit("above", 1), limit("above", 2)); yes {
		t.Error("two upper limits contradict")
	}
}
