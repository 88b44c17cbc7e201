package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/escalate"
)

func TestPeopleArrive(t *testing.T) {
	c, err := Load("testdata/people.good.yaml", stubKnown())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if p := c.People[0]; p.Language != agent.Chinese || p.Unit != agent.Celsius || p.Badge != "04A2" || p.Phone != "+8613800138000" {
		t.Errorf("%+v", p)
	}
	l := c.Escalation.Levels
	if !slices.Equal(l[0].Outputs, []string{"siren"}) || !slices.Equal(l[1].Roles, []string{"keeper"}) || l[1].After != 5*time.Minute ||
		!slices.Equal(l[3].Roles, []string{"region"}) || !slices.Equal(l[3].Persons, []string{"ann"}) {
		t.Errorf("levels: %+v", l)
	}
	if s := c.EscalationSetup().People[4].Rota; len(s) != 1 || s[0].Days != escalate.AllDays || s[0].Every != 2 || s[0].To != escalate.EndOfDay {
		t.Errorf("rota: %+v", s)
	}
	if c.Mute.For != 10*time.Minute || c.Mute.Is != agent.Unit || !slices.Equal(c.Mute.Outputs, []string{"siren"}) {
		t.Errorf("mute: %+v", c.Mute)
	}
	if got := c.Ways(&c.People[0]); !slices.Equal(got, []Way{{"mail", "li.wei@cold.example"}, {"sms", "+8613800138000"}}) {
		t.Errorf("ways: %+v", got)
	}
	if got := c.Told("dock"); !slices.Equal(got, []string{"Li Wei", "Ann Bauer", "Ben Okoro", "Cai Lin", "Dee Ray"}) {
		t.Errorf("told: %q", got)
	}
}

func TestFewPersons(t *testing.T) {
	const head = "site: s\ngateway: g\nsensors: [{id: a, driver: sht4x}]\n"
	c := load(t, head+`
people:
  - {id: li, name: Li Wei, roles: [keeper], email: li@cold.example, phone: "+4915112345678", rota: never}
  - {id: ann, name: Ann, roles: [keeper], email: ann@cold.example}
escalation:
  levels: [{to: [keeper]}]
  rotas: [{id: never, shifts: [{days: mon}]}, {id: spare, shifts: [{}]}]
outputs: [{id: mail, driver: mail}]
`)
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Message)
	}
	want := []string{"no output uses this person's phone", "a critical alarm is told to Li Wei and Ann only: name at least 3 persons", "nobody is on the rota spare"}
	if !slices.Equal(got, want) {
		t.Errorf("warnings are %q, want %q", got, want)
	}
	_, err := Parse("test.yaml", []byte(head+"outputs: [{id: mail, driver: mail}, {id: text, driver: sms, to: []}]\n"), stubKnown())
	if err == nil || !strings.Contains(err.Error(), "outputs[0]: the output tells nobody") || !strings.Contains(err.Error(), "outputs[1]: the output tells nobody") {
		t.Errorf("outputs that tell nobody: %v", err)
	}
}
