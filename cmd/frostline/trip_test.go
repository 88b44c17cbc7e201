package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// tripAgent answers as an agent with a trip and a case would.
type tripAgent struct {
	start control.TripStart
	order control.TripOrder
	one   control.CaseOrder
}

func (a *tripAgent) StartTrip(_ context.Context, _ control.Person, r control.TripStart) (control.TripReply, error) {
	a.start = r
	return control.TripReply{Events: []agent.TripEvent{{Message: "trip t-1 started"}}}, nil
}

func (a *tripAgent) DoTrip(_ context.Context, _ control.Person, r control.TripOrder) (control.TripReply, error) {
	a.order = r
	if r.Do == "end" {
		return control.TripReply{}, fmt.Errorf("%w: no trip is open", control.ErrUsage)
	}
	return control.TripReply{Events: []agent.TripEvent{{Message: "trip t-1 " + r.Do}}}, nil
}

func (a *tripAgent) DoCase(_ context.Context, _ control.Person, r control.CaseOrder) (control.CaseReply, error) {
	a.one = r
	if r.By != "Ada Roth" {
		return control.CaseReply{}, fmt.Errorf("%w: %s: this needs a person with the role quality", control.ErrNotPermitted, r.By)
	}
	return control.CaseReply{Events: []agent.ExcursionEvent{{Message: "done"}}}, nil
}

func tripStatus(context.Context) (control.Status, error) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	lat, worst, limit := 53*agent.Unit, 11*agent.Unit, 8*agent.Unit
	return control.Status{
		Site: "s", Gateway: "g", Timezone: "UTC",
		Trip: &control.Trip{
			ID: "t-1", Phase: agent.PhaseUnderWay, Transit: true, Started: noon, Lat: &lat, Lon: &lat, OffLevel: 2, DistanceM: 740, LateLevel: 1,
			Compartments: []agent.TripCompartment{{Zone: "front", Profile: "vaccine-2-8", State: agent.CompartmentOutOfRange, Point: "a/b", Value: &worst}},
			Stops: []control.TripStop{
				{TripStop: agent.TripStop{Name: "Clinic"}, Reached: noon}, {TripStop: agent.TripStop{Name: "Hub"}, Skipped: true},
				{TripStop: agent.TripStop{Name: "Hospital"}, Due: noon.Add(time.Hour)}, {TripStop: agent.TripStop{Name: "Depot", AfterS: 5400}},
			},
			Next: []string{"arrive", "end"},
		},
		Cases: []agent.ExcursionEvent{{
			ID: "cr1:5b0e1c9a:7", State: agent.ExcursionUnknown, Zone: "cr1", Began: noon, Ended: noon.Add(time.Hour), OutS: 3600, Cause: agent.CauseDoorOpen, CauseBy: "Li Wei",
			Outside: []agent.ExcursionPoint{{Point: "a/b", Worst: &worst, Limit: &limit, Dead: true}}, Items: []agent.ItemID{"mmr-10", "hpv-1"},
		}},
	}, nil
}

// speak runs a verb against an agent that answers as a does.
func speak(t *testing.T, a *tripAgent, verb func() *cobra.Command, args ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	s, err := control.Listen(dir, control.Agent{Status: tripStatus, Trips: a}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	cmd := verb()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append(args, "--dir", dir))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		return out.String() + err.Error(), codeOf(err)
	}
	return out.String(), 0
}

func TestTripCommand(t *testing.T) {
	a := &tripAgent{}
	out, code := speak(t, a, tripCommand, "start", "--as", "Li Wei", "--id", "t-1", "--shipment", "4711", "--profile", "front=vaccine-2-8",
		"--stop", "Clinic@53.05,8.8,150=2h", "--stop", "Gate 1=2026-03-02T14:30:00+01:00", "--stop", "Depot")
	if code != 0 || out != "trip t-1 started\n" {
		t.Fatalf("%d %s", code, out)
	}
	lat, lon := agent.Value(53_050_000), agent.Value(8_800_000)
	want := control.TripStart{
		ID: "t-1", Shipment: "4711", By: "Li Wei", Compartments: []agent.TripCompartment{{Zone: "front", Profile: "vaccine-2-8"}},
		Stops: []agent.TripStop{
			{Name: "Clinic", Lat: &lat, Lon: &lon, RadiusM: 150, AfterS: 7200},
			{Name: "Gate 1", Due: time.Date(2026, 3, 2, 13, 30, 0, 0, time.UTC)}, {Name: "Depot"},
		},
	}
	if !reflect.DeepEqual(a.start, want) {
		t.Errorf("%+v, want %+v", a.start, want)
	}
	for _, bad := range []string{"a@1", "a@x,y", "a@1,2,0", "a=soon", "a=-2h", "a@1,2,3,4"} {
		if out, code := speak(t, a, tripCommand, "start", "--as", "Li Wei", "--stop", bad); code != exitUsage || !strings.Contains(out, "want ") {
			t.Errorf("--stop %s: %d %s", bad, code, out)
		}
	}
	if out, code := speak(t, a, tripCommand, "arrive", "Clinic", "--as", "Li Wei"); code != 0 || a.order != (control.TripOrder{Do: "arrive", Stop: "Clinic", By: "Li Wei"}) {
		t.Errorf("%d %s %+v", code, out, a.order)
	}
	if out, code := speak(t, a, tripCommand, "stop-reached", "--as", "Li Wei", "--comment", "ferry"); code != 0 || a.order != (control.TripOrder{Do: "arrive", By: "Li Wei", Comment: "ferry"}) {
		t.Errorf("%d %s %+v", code, out, a.order)
	}
	if out, code := speak(t, a, tripCommand, "end", "--as", "Li Wei"); code != exitUsage || !strings.Contains(out, "no trip is open") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := speak(t, a, tripCommand, "depart", "now"); code != exitUsage {
		t.Errorf("%d %s", code, out)
	}
}

func TestTripShow(t *testing.T) {
	out, code := speak(t, &tripAgent{}, tripCommand)
	for _, want := range []string{
		"under-way", "740 m from its line, level 2", "vaccine-2-8 out-of-range (a/b at 11 °C)", "reached ", "skipped", "due ", "1h30m0s after departure", "arrive, end",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d: no %q in\n%s", code, want, out)
		}
	}
	out, code = speak(t, &tripAgent{}, tripCommand, "show", "--json")
	var trip control.Trip
	if err := json.Unmarshal([]byte(out), &trip); err != nil || code != 0 || trip.ID != "t-1" || len(trip.Stops) != 4 {
		t.Errorf("%d %v %s", code, err, out)
	}
}

func TestCaseCommand(t *testing.T) {
	a := &tripAgent{}
	out, code := speak(t, a, caseCommand)
	if code != 0 || !strings.Contains(out, "cr1:5b0e1c9a:7") || !strings.Contains(out, "unknown") || !strings.Contains(out, "11") {
		t.Errorf("%d %s", code, out)
	}
	out, code = speak(t, a, caseCommand, "show", "cr1")
	for _, want := range []string{"worst 11, limit 8, gave no value for a time", "mmr-10, hpv-1", "door-open, says Li Wei", "1h0m0s"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d: no %q in\n%s", code, want, out)
		}
	}
	if out, code := speak(t, a, caseCommand, "show", "fr"); code != exitFailed || !strings.Contains(out, "no such case is open") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := speak(t, a, caseCommand, "evaluate", "cr1", "--as", "Ada Roth", "--text", "fine"); code != 0 || a.one != (control.CaseOrder{ID: "cr1", Do: "evaluate", Evaluation: "fine", By: "Ada Roth"}) {
		t.Errorf("%d %s %+v", code, out, a.one)
	}
	if out, code := speak(t, a, caseCommand, "dispose", "cr1", "use-first", "--as", "Ada Roth"); code != 0 || a.one.Disposition != agent.DispositionUseFirst {
		t.Errorf("%d %s %+v", code, out, a.one)
	}
	if out, code := speak(t, a, caseCommand, "cause", "cr1", "door-open", "--as", "Ada Roth"); code != 0 || a.one.Cause != agent.CauseDoorOpen {
		t.Errorf("%d %s %+v", code, out, a.one)
	}
	if out, code := speak(t, a, caseCommand, "dispose", "cr1", "reject", "--as", "Li Wei"); code != exitNotPermitted || !strings.Contains(out, "role quality") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := speak(t, a, caseCommand, "evaluate", "cr1", "--as", "Ada Roth"); code != exitUsage {
		t.Errorf("%d %s", code, out)
	}
}
