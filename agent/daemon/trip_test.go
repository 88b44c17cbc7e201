package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

const lorry = `zones:
  - {id: front, name: Front}
sensors:
  - {id: a, driver: dial, name: a, every: 1m, zone: front, role: air}
alarms:
  - {id: warm, zone: front, quantity: temperature, above: 8, for: 2m, transit: true}
trip:
  vehicle: B-XY 7
  compartments: [{zone: front}]
people:
  - {id: quinn, name: Quinn, roles: [quality], email: quinn@example.org}
  - {id: dora, name: Dora, roles: [driver], email: dora@example.org}
`

// A trip and the case of its excursion, over the control socket and two ends of the agent: what was
// warm before the departure is no alarm, what is warm after it becomes a case, and only a
// person with the role quality decides.
func TestATripAndItsCaseSurvive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.dial("a").set(12)
	r.start(lorry)
	post := func(verb string, in, out any) {
		t.Helper()
		if err := r.client().Post(t.Context(), verb, in, out); err != nil {
			t.Fatalf("%s %+v: %v", verb, in, err)
		}
	}
	r.measured(1)
	for range 4 {
		r.tick(time.Minute, 1)
	}
	var reply control.TripReply
	post("trip/start", control.TripStart{Shipment: "S-17", By: "Dora"}, &reply)
	if len(reply.Events) == 0 || reply.Events[0].Shipment != "S-17" || reply.Events[0].By != "Dora" {
		t.Fatalf("started: %+v", reply)
	}
	post("trip", control.TripOrder{Do: "depart", By: "Dora"}, &reply)
	if s := r.status(); s.Trip == nil || !s.Trip.Transit || len(s.Alarms) != 0 || len(s.Cases) != 0 {
		t.Fatalf("after the departure: trip %+v, alarms %+v", s.Trip, s.Alarms)
	}
	r.stop()
	r.start(lorry)
	r.measured(1)
	for range 3 {
		r.tick(time.Minute, 1)
	}
	eventually(t, "the case", func() bool {
		s := r.status()
		return s.Trip != nil && s.Trip.Shipment == "S-17" && len(s.Cases) == 1 && s.Cases[0].Zone == "front" && s.Cases[0].Trip == s.Trip.ID
	})
	r.dial("a").set(4)
	r.tick(time.Minute, 1)
	eventually(t, "its end", func() bool { s := r.status(); return len(s.Cases) == 1 && s.Cases[0].State == agent.ExcursionReturned })
	r.stop()
	r.start(lorry)
	r.measured(1)
	id := string(r.status().Cases[0].ID)
	var decided control.CaseReply
	post("case", control.CaseOrder{ID: id, Do: "cause", Cause: agent.CauseDoorOpen, By: "Dora"}, &decided)
	post("case", control.CaseOrder{ID: id, Do: "evaluate", Evaluation: "4 min at 12 °C, within the maker's stability data", By: "Quinn"}, &decided)
	release := control.CaseOrder{ID: id, Do: "dispose", Disposition: agent.DispositionRelease, By: "Dora", Comment: "looks fine"}
	if err := r.client().Post(t.Context(), "case", release, &decided); err == nil || !errors.Is(err, control.ErrNotPermitted) {
		t.Errorf("a driver releases goods: %v", err)
	}
	release.By = "Quinn"
	post("case", release, &decided)
	if s := r.status(); len(s.Cases) != 0 {
		t.Errorf("decided and still open: %+v", s.Cases)
	}
	post("trip", control.TripOrder{Do: "end", By: "Dora"}, &reply)
	var said []string
	for _, rec := range r.records() {
		if rec.Type != agent.TypeEvent {
			continue
		}
		switch e := rec.Event; {
		case e.Trip != nil:
			said = append(said, string(e.Trip.Transition))
		case e.Excursion != nil:
			said = append(said, string(e.Excursion.Transition))
		case e.Alarm != nil:
			said = append(said, string(e.Alarm.Transition))
		}
	}
	if got, want := strings.Join(said, " "), "started departed unready raised opened cleared ended caused evaluated disposed ended"; got != want {
		t.Errorf("on record: %s\nwant       %s", got, want)
	}
	if s := r.status(); s.Trip != nil {
		t.Errorf("ended and still open: %+v", s.Trip)
	}
}
