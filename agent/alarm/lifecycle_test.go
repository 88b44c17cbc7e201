package alarm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// TestLifecycle walks every state and every way out of it. Each step is a value, or "ack".
func TestLifecycle(t *testing.T) {
	for _, c := range []struct{ name, steps, want string }{
		{"normal, condition", "5 9", "raised/unack"},
		{"unack, ack", "9 ack", "raised/unack acknowledged/ack"},
		{"unack, clears", "9 5", "raised/unack cleared/rtn-unack"},
		{"ack, clears", "9 ack 5", "raised/unack acknowledged/ack cleared/normal"},
		{"rtn-unack, ack", "9 5 ack", "raised/unack cleared/rtn-unack acknowledged/normal"},
		{"rtn-unack, recurs", "9 5 9", "raised/unack cleared/rtn-unack raised/unack"},
		{"ack, stays", "9 ack 9 9", "raised/unack acknowledged/ack"},
		{"normal, recurs", "9 ack 5 9", "raised/unack acknowledged/ack cleared/normal raised/unack"},
		{"ack twice", "9 ack ack", "raised/unack acknowledged/ack error"},
		{"ack of nothing", "5 ack", "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}})
			var got []string
			ids := map[string]bool{}
			for n, step := range strings.Fields(c.steps) {
				when := at(time.Duration(n) * time.Minute)
				var out alarm.Output
				if step == "ack" {
					var err error
					if out, err = acknowledge(e, when, "cr1", "Li Wei", "moved the goods"); err != nil {
						got = append(got, "error")
					}
				} else {
					out = e.Step(reading(air, when, step))
				}
				for _, ev := range out.Events {
					got = append(got, string(ev.Alarm.Transition)+"/"+string(ev.Alarm.State))
					name := string(ev.Alarm.ID) + "/" + string(ev.Alarm.Transition)
					if ids[name] {
						t.Errorf("%s happened twice", name)
					}
					ids[name] = true
				}
			}
			expect(t, got, c.want)
		})
	}
}

// acknowledge is the command of the tests that care for no other.
func acknowledge(e *alarm.Engine, when agent.Instant, id, by, comment string) (alarm.Output, error) {
	return e.Command(when, alarm.Command{Do: agent.Acknowledged, ID: id, By: by, Comment: comment})
}

func TestAcknowledge(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}})
	out := e.Step(reading(air, at(0), "9"))
	id := string(out.Events[0].Alarm.ID)
	if want := "cr1:cr1-air/temperature:12345678:3600000"; id != want {
		t.Errorf("id %s, want %s", id, want)
	}
	for _, c := range []struct {
		id, by, comment string
		want            error
	}{
		{id, "", "moved the goods", alarm.ErrNobody},
		{id, "  ", "moved the goods", alarm.ErrNobody},
		{id, "Li Wei", "", alarm.ErrNoComment},
		{id, "Li Wei", " \t", alarm.ErrNoComment},
		{"cr2", "Li Wei", "moved the goods", alarm.ErrUnknown},
		{id + "0", "Li Wei", "moved the goods", alarm.ErrUnknown},
	} {
		if _, err := acknowledge(e, at(time.Minute), c.id, c.by, c.comment); !errors.Is(err, c.want) {
			t.Errorf("%q by %q, %q: %v, want %v", c.id, c.by, c.comment, err, c.want)
		}
	}
	if s := e.Sounding(); s != agent.SeverityCritical {
		t.Errorf("sounding %q before the acknowledgement", s)
	}
	out, err := acknowledge(e, at(time.Minute), id, " Li Wei ", "moved the goods")
	if err != nil {
		t.Fatal(err)
	}
	ev := out.Events[0].Alarm
	if ev.By != "Li Wei" || ev.Comment != "moved the goods" || string(ev.ID) != id {
		t.Errorf("acknowledged as %+v", ev)
	}
	if s := e.Sounding(); s != "" {
		t.Errorf("sounding %q after the acknowledgement", s)
	}
	st := e.Active()
	if len(st) != 1 || st[0].By != "Li Wei" || st[0].State != agent.StateAck || string(st[0].ID) != id {
		t.Errorf("status %+v", st)
	}
	if _, err := acknowledge(e, at(time.Minute), id, "Zhou", "me too"); !errors.Is(err, alarm.ErrAcknowledged) {
		t.Errorf("second acknowledgement: %v", err)
	}
}

// TestAlarmIDNamesOne: an alarm's id alone is enough while one of its instances waits.
func TestAlarmIDNamesOne(t *testing.T) {
	second := pointOf("cr1-back/temperature", agent.Temperature, "cold-room-1", time.Minute)
	e := engine(t, alarm.Setup{
		Points: []alarm.Point{air, second},
		Specs:  []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})},
	})
	e.Step(reading(air, at(0), "9"))
	e.Step(reading(second, at(0), "9"))
	if _, err := acknowledge(e, at(0), "cr1", "Li Wei", "seen"); !errors.Is(err, alarm.ErrSeveral) {
		t.Errorf("two wait: %v", err)
	}
	if _, err := acknowledge(e, at(0), "cr1:cr1-back/temperature", "Li Wei", "seen"); err != nil {
		t.Error(err)
	}
	out, err := acknowledge(e, at(0), "cr1", "Li Wei", "seen")
	if err != nil || out.Events[0].Alarm.Point != air.Point {
		t.Errorf("one waits: %v, %v", out.Events, err)
	}
}

// TestIDsAreNotReused: a crash between announcing and committing takes the counter back, yet
// the next occurrence has another id.
func TestIDsAreNotReused(t *testing.T) {
	setup := alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}}
	e := engine(t, setup)
	e.Step(reading(air, at(0), "5"))
	before, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	announced := e.Step(reading(air, at(time.Minute), "9")).Events[0].Alarm.ID

	e = engine(t, setup)
	if err := e.Restore(before); err != nil {
		t.Fatal(err)
	}
	e.Step(alarm.Input{At: at(2 * time.Minute), Start: true})
	again := e.Step(reading(air, at(2*time.Minute), "9")).Events[0].Alarm.ID
	if again == announced {
		t.Errorf("%s names two occurrences", again)
	}
}

// TestReconfigured: what is still in the config goes on, what is gone goes out of service.
func TestReconfigured(t *testing.T) {
	old := engine(t, alarm.Setup{Specs: []alarm.Spec{
		limitSpec(limit.Settings{Above: val("8")}),
		{ID: "gone", Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("7")}},
	}})
	old.Step(reading(air, at(0), "9"))
	state, err := old.State()
	if err != nil {
		t.Fatal(err)
	}
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("10")})}})
	if err := e.Restore(state); err != nil {
		t.Fatal(err)
	}
	if again, err := e.State(); err != nil || !strings.Contains(string(again), "gone:") {
		t.Errorf("an alarm that has to go out of service was forgotten: %s, %v", again, err)
	}
	out := e.Step(alarm.Input{At: at(time.Second)})
	expect(t, transitions(out), "out-of-service@1s")
	if ev := out.Events[0].Alarm; ev.Alarm != "gone" || ev.State != agent.StateOutOfService || ev.ID == "" {
		t.Errorf("%+v", ev)
	}
	expect(t, transitions(e.Step(reading(air, at(time.Minute), "9"))), "cleared@1m0s") // inside the new limit
}

func TestNewNamesEverything(t *testing.T) {
	_, err := alarm.New(alarm.Setup{
		Kinds: nil,
		Specs: []alarm.Spec{{ID: "a", Kind: "limits"}},
	})
	if !errors.Is(err, alarm.ErrKind) {
		t.Errorf("%v", err)
	}
	e := func(specs ...alarm.Spec) error {
		s := alarm.Setup{Kinds: allKinds(), Points: []alarm.Point{air}, Specs: specs}
		_, err := alarm.New(s)
		return err
	}
	ok := &limit.Settings{Above: val("8")}
	for _, c := range []struct {
		name string
		got  error
		want []error
	}{
		{"fine", e(alarm.Spec{ID: "a", Kind: "limit", Quantity: agent.Temperature, Settings: ok}), nil},
		{"no quantity", e(alarm.Spec{ID: "a", Kind: "limit", Settings: ok}), []error{alarm.ErrQuantity}},
		{"twice", e(alarm.Spec{ID: "a", Kind: "no-data"}, alarm.Spec{ID: "a", Kind: "no-data"}), []error{alarm.ErrTwice}},
		{"all at once", e(alarm.Spec{ID: "A b", Kind: "limit", Severity: "high", Item: "x", Settings: &limit.Settings{For: -1, Total: 1}}),
			[]error{agent.ErrID, alarm.ErrSeverity, alarm.ErrSelectors, alarm.ErrQuantity, limit.ErrOneLimit, limit.ErrNegative, limit.ErrWithin}},
		{"window", e(alarm.Spec{ID: "a", Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("8"), Total: 1, Within: "week"}}), []error{limit.ErrWindow}},
		{"too long", e(alarm.Spec{ID: "a", Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("8"), Total: 25 * time.Hour, Within: "24h"}}), []error{limit.ErrTooLong}},
	} {
		if c.want == nil && c.got != nil {
			t.Errorf("%s: %v", c.name, c.got)
		}
		for _, want := range c.want {
			if !errors.Is(c.got, want) {
				t.Errorf("%s: %v does not say: %v", c.name, c.got, want)
			}
		}
	}
}

// TestAReturnedAlarmSaysSo: an alarm that only waits to be acknowledged does not read as if
// it were there; nor after a restart, and a restart of the machine leaves only the time away.
func TestAReturnedAlarmSaysSo(t *testing.T) {
	setup := alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}}
	e := engine(t, setup)
	message := func(want string) {
		t.Helper()
		if st := e.Active(); len(st) != 1 || st[0].Message != want {
			t.Errorf("got %+v, want the message %q", st, want)
		}
	}
	e.Step(reading(air, at(0), "9"))
	message("cold-room-1 temperature 9 °C, above 8 °C")
	e.Step(reading(air, at(3*time.Minute), "5"))
	const returned = "cold-room-1 temperature 5 °C, returned after 3 min (above 8 °C)"
	message(returned)
	e.Step(alarm.Input{At: at(10 * time.Minute)})
	message(returned)

	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	e = engine(t, setup)
	if err := e.Restore(state); err != nil {
		t.Fatal(err)
	}
	message(returned)
	other := at(20 * time.Minute)
	other.Boot[0]++
	e.Step(alarm.Input{At: other, Start: true})
	message("cold-room-1 temperature 5 °C, returned (above 8 °C)")
}
