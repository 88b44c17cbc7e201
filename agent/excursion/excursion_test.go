package excursion_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/excursion"
)

var (
	boot1   = agent.BootID{0x12, 0x34, 0x56, 0x78, 1}
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	keeper  = excursion.Person{Name: "Li Wei", UID: 1000}
	quality = excursion.Person{Name: "Dr. Ada Roth", UID: 1001, Roles: []string{"keeper", agent.RoleQuality}}
)

// at is an instant d after noon.
func at(d time.Duration) agent.Instant {
	return agent.Instant{Wall: noon.Add(d), Mono: time.Hour + d, Boot: boot1, Trust: agent.ClockSynced}
}

func deg(text string) *agent.Value {
	v, err := agent.ParseValue(text)
	if err != nil {
		panic(err)
	}
	return &v
}

const (
	air   = agent.PointID("cr1-air/temperature")
	goods = agent.PointID("cr1-goods/temperature")
	hum   = agent.PointID("cr1-air/humidity")
)

func setup() excursion.Setup {
	point := func(id agent.PointID, q agent.Quantity, zone agent.ZoneID, role agent.Role) excursion.Point {
		return excursion.Point{Definition: agent.Definition{Point: id, Quantity: q, Zone: zone, Role: role}, Every: time.Minute}
	}
	return excursion.Setup{
		Kinds:  []string{"limit"},
		Causes: map[string]agent.ExcursionCause{"door-ajar": agent.CauseDoorOpen},
		Points: []excursion.Point{
			point(air, agent.Temperature, "cr1", agent.RoleAir), point(goods, agent.Temperature, "cr1", agent.RoleProduct),
			point(hum, agent.Humidity, "cr1", agent.RoleAir), point("yard/temperature", agent.Temperature, "cr1", agent.RoleOutside),
			point("cr1-door/door", agent.Door, "cr1", ""), point("mains/power_ok", agent.PowerOK, "", ""),
			point("cr1-comp/contact", agent.Contact, "cr1", ""), point("fr/temperature", agent.Temperature, "fr", agent.RoleAir),
		},
		Compressors: []agent.PointID{"cr1-comp/contact"},
		Goods: func(z agent.ZoneID) []agent.ItemID {
			if z == "cr1" {
				return []agent.ItemID{"mmr-10"}
			}
			return nil
		},
		Trip: func() agent.TripID { return "t-1" },
	}
}

// failer is what testing.TB and rapid.T have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// world steps an engine with short words.
type world struct {
	t    failer
	s    excursion.Setup
	e    *excursion.Engine
	told []string
	last *agent.ExcursionEvent
	next time.Duration
}

func newWorld(t failer) *world {
	s := setup()
	return &world{t: t, s: s, e: excursion.New(s)}
}

func (w *world) note(out excursion.Output) {
	for _, ev := range out.Events {
		x := ev.Excursion
		w.last = x
		w.told = append(w.told, fmt.Sprintf("%s %s", x.Transition, x.State))
	}
	w.next = out.Next
}

// alarm is what the alarm engine says of a point: "raised 9 8" is a value and a limit.
func (w *world) alarm(d time.Duration, kind string, p agent.PointID, words string) {
	f := strings.Fields(words)
	a := &agent.AlarmEvent{
		ID: agent.AlarmEventID(kind + ":" + string(p)), Alarm: agent.AlarmID(kind), Kind: kind, Point: p, Zone: w.zone(p), Transition: agent.Transition(f[0]),
	}
	if len(f) == 3 {
		a.Value, a.Limit = deg(f[1]), deg(f[2])
	}
	if a.Transition == agent.Raised {
		a.Began, a.Items = noon.Add(d-5*time.Minute), []agent.ItemID{"hpv-1"}
	}
	w.note(w.e.Step(excursion.Input{At: at(d), Alarm: a}))
}

func (w *world) zone(p agent.PointID) agent.ZoneID {
	for _, q := range w.s.Points {
		if q.Point == p {
			return q.Zone
		}
	}
	return "cr1"
}

func (w *world) read(d time.Duration, p agent.PointID, text string) { w.readAt(at(d), p, text) }

func (w *world) readAt(when agent.Instant, p agent.PointID, text string) {
	for _, q := range w.s.Points {
		if q.Point != p {
			continue
		}
		r := agent.Reading{At: when}
		if fault, bad := strings.CutPrefix(text, "!"); bad {
			r.Fault, _ = agent.ParseFault(fault)
		} else {
			r.Value = *deg(text)
		}
		w.note(w.e.Step(excursion.Input{At: when, Reading: &r, Definition: &q.Definition}))
	}
}

func (w *world) want(name, want string) {
	w.t.Helper()
	if got := strings.Join(w.told, "; "); got != want {
		w.t.Errorf("%s: %s, want %s", name, got, want)
	}
	w.told = nil
}

const min = time.Minute

// TestLife: a case opens with an alarm, outlives it, and is closed by a person with the role quality.
func TestLife(t *testing.T) {
	w := newWorld(t)
	w.read(0, air, "9")
	w.alarm(0, "limit", air, "raised 9 8")
	w.want("raised", "opened out")
	x := w.last
	if x.ID != "cr1:12345678:3600000" || x.N != 1 || x.Zone != "cr1" || x.Trip != "t-1" || x.OutS != 300 || x.Cause != agent.CauseUnknown ||
		fmt.Sprint(x.Items) != "[hpv-1 mmr-10]" || !x.Began.Equal(noon.Add(-5*min)) || x.Message != "cr1: excursion; cause: unknown" {
		t.Errorf("%+v", x)
	}
	w.read(min, air, "11.5")
	w.read(2*min, air, "10")
	if len(w.e.Cases()) != 1 || *w.e.Cases()[0].Outside[0].Worst != *deg("11.5") {
		t.Errorf("%+v", w.e.Cases())
	}
	w.alarm(3*min, "limit", air, "cleared 7 8")
	w.want("cleared", "ended returned")
	if x = w.last; x.OutS != 480 || !x.Ended.Equal(noon.Add(3*min)) || x.Message != "cr1: excursion returned after 8 min" {
		t.Errorf("%+v", x)
	}
	do := func(out excursion.Output, err error) error { w.note(out); return err }
	for name, c := range map[string]struct{ err, want error }{
		"before evaluation":   {do(w.e.Dispose(at(4*min), "cr1", agent.DispositionRelease, quality, "")), excursion.ErrNotEvaluated},
		"no role to evaluate": {do(w.e.Evaluate(at(4*min), "cr1", "fine", keeper)), excursion.ErrRole},
		"no role to dispose":  {do(w.e.Dispose(at(4*min), "cr1", agent.DispositionReject, keeper, "")), excursion.ErrRole},
		"no text":             {do(w.e.Evaluate(at(4*min), "cr1", " ", quality)), excursion.ErrNoText},
		"nobody":              {do(w.e.Evaluate(at(4*min), "cr1", "fine", excursion.Person{Roles: quality.Roles})), excursion.ErrNobody},
		"no such case":        {do(w.e.Evaluate(at(4*min), "fr", "fine", quality)), excursion.ErrUnknown},
		"no cause":            {do(w.e.Name(at(4*min), "cr1", "Because", keeper, "")), excursion.ErrNoCause},
		"long":                {do(w.e.Evaluate(at(4*min), "cr1", strings.Repeat("x", 4001), quality)), excursion.ErrText},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	w.want("refused", "")
	if err := do(w.e.Name(at(5*min), "cr1", agent.CauseDoorOpen, keeper, "delivery")); err != nil {
		t.Error(err)
	}
	if err := do(w.e.Evaluate(at(6*min), "cr1:12345678:3600000", "8 min below 12 °C: stability data cover it", quality)); err != nil {
		t.Error(err)
	}
	if err := do(w.e.Dispose(at(7*min), "cr1", "keep", quality, "")); !errors.Is(err, excursion.ErrDisposition) {
		t.Error(err)
	}
	if err := do(w.e.Dispose(at(7*min), "cr1", agent.DispositionUseFirst, quality, "by April")); err != nil {
		t.Error(err)
	}
	w.want("decided", "caused returned; evaluated returned; disposed returned")
	if x = w.last; x.CauseBy != "Li Wei" || x.By != "Dr. Ada Roth" || *x.UID != 1001 || x.Comment != "by April" || x.Evaluation == "" || x.Disposition != agent.DispositionUseFirst || x.OutS != 480 {
		t.Errorf("%+v", x)
	}
	if len(w.e.Cases()) != 0 {
		t.Errorf("still open: %+v", w.e.Cases())
	}
}

// TestEndings: returned needs values all the way; where the sensor died it ends unknown, never returned.
func TestEndings(t *testing.T) {
	alive := func(w *world, from, to time.Duration, p agent.PointID) {
		for d := from; d <= to; d += min {
			w.read(d, p, "9")
		}
	}
	for name, c := range map[string]struct {
		do   func(w *world)
		want string
	}{
		"seen all the time": {func(w *world) {
			alive(w, 0, 40*min, air)
			w.alarm(40*min, "limit", air, "cleared 7 8")
		}, "opened out; ended returned"},
		"latched counts as cleared": {func(w *world) {
			alive(w, 0, 5*min, air)
			w.alarm(5*min, "limit", air, "latched 7 8")
			w.alarm(50*min, "limit", air, "reset")
		}, "opened out; ended returned"},
		"silence": {func(w *world) {
			alive(w, 0, 5*min, air)
			w.note(w.e.Step(excursion.Input{At: at(14 * min)}))
			w.want("before its time", "opened out")
			w.note(w.e.Step(excursion.Input{At: at(15 * min)}))
			w.want("silence", "ended unknown")
		}, ""},
		"faults are silence": {func(w *world) {
			for d := min; d < 12*min; d += min {
				w.read(d, air, "!absent")
			}
		}, "opened out; ended unknown"},
		"its sensor-fault alarm": {func(w *world) {
			w.alarm(2*min, "sensor-fault", air, "raised")
		}, "opened out; caused out; ended unknown"},
		"another sensor's alarm": {func(w *world) {
			w.alarm(2*min, "sensor-fault", "fr/temperature", "raised")
			w.alarm(3*min, "limit", air, "cleared 7 8")
		}, "opened out; ended returned"},
		"lives again, still out": {func(w *world) {
			w.note(w.e.Step(excursion.Input{At: at(20 * min)}))
			w.read(30*min, air, "12")
			w.alarm(31*min, "limit", air, "cleared 7 8")
			w.read(31*min, air, "7")
		}, "opened out; ended unknown; resumed out; ended unknown"},
		"lives again, in range": {func(w *world) {
			w.note(w.e.Step(excursion.Input{At: at(20 * min)}))
			w.alarm(30*min, "limit", air, "cleared 7 8")
			w.read(30*min, air, "7")
		}, "opened out; ended unknown"},
		"the alarm left the config": {func(w *world) {
			w.alarm(min, "limit", air, "out-of-service")
		}, "opened out; ended unknown"},
		"short restart": {func(w *world) {
			alive(w, 0, 5*min, air)
			w.note(w.e.Step(excursion.Input{At: at(8 * min), Start: true}))
			w.alarm(8*min, "limit", air, "cleared 7 8")
		}, "opened out; ended returned"},
		"nobody watched": {func(w *world) {
			alive(w, 0, 5*min, air)
			w.note(w.e.Step(excursion.Input{At: at(25 * min), Start: true}))
			w.alarm(25*min, "limit", air, "cleared 7 8")
		}, "opened out; ended unknown"},
		"nobody knows for how long": {func(w *world) {
			later := agent.Instant{Mono: time.Second, Boot: agent.BootID{7}}
			w.readAt(later, air, "9")
			w.note(w.e.Step(excursion.Input{At: later, Alarm: &agent.AlarmEvent{ID: "limit:cr1-air/temperature", Transition: agent.Cleared}}))
		}, "opened out; ended unknown"},
		"one of two": {func(w *world) {
			w.alarm(min, "limit", goods, "raised 8.1 8")
			for d := min; d < 20*min; d += min {
				w.read(d, goods, "9")
			}
			w.alarm(20*min, "limit", goods, "cleared 7 8")
		}, "opened out; joined out; ended unknown"},
		"the alarm engine began anew": {func(w *world) {
			w.note(w.e.Reconcile(at(min), func(agent.AlarmEventID) bool { return true }))
			w.note(w.e.Reconcile(at(min), func(agent.AlarmEventID) bool { return false }))
		}, "opened out; ended unknown"},
	} {
		w := newWorld(t)
		w.read(0, air, "9")
		w.alarm(0, "limit", air, "raised 9 8")
		c.do(w)
		w.want(name, c.want)
	}
}

// TestOneCase: alarms of a zone that overlap in time are one case, others are others.
func TestOneCase(t *testing.T) {
	w := newWorld(t)
	w.alarm(0, "limit", air, "raised 9 8")
	w.alarm(min, "limit", hum, "raised 80 75")
	w.alarm(2*min, "limit", air, "cleared 7 8")
	w.alarm(3*min, "limit", air, "raised 9 8") // again, while the humidity is out
	w.alarm(4*min, "limit", "fr/temperature", "raised -10 -18")
	w.alarm(5*min, "limit", air, "cleared 7 8")
	w.alarm(6*min, "limit", hum, "cleared 70 75")
	w.want("overlapping", "opened out; joined out; opened out; ended returned")
	w.alarm(7*min, "limit", air, "raised 9 8")
	w.want("later", "opened out")
	if list := w.e.Cases(); len(list) != 3 || len(list[0].Outside) != 2 || list[1].Zone != "fr" || list[2].State != agent.ExcursionOut {
		t.Errorf("%+v", list)
	}
	if _, err := w.e.Evaluate(at(8*min), "cr1", "x", quality); !errors.Is(err, excursion.ErrSeveral) {
		t.Errorf("two cases in one zone: %v", err)
	}
	for name, kind := range map[string]string{"a kind that is none": "out-of-stock", "no excursion": "battery"} {
		w.told = nil
		w.alarm(9*min, kind, "fr/temperature", "raised 1 2")
		w.want(name, "")
	}
	w.alarm(9*min, "limit", "cr1-door/door", "raised 1 0")
	w.alarm(9*min, "limit", "yard/temperature", "raised 40 8")
	w.want("doors and weather", "")
}

// TestRejectWhileOut: goods can be given up at once; the case closes when it ends.
func TestRejectWhileOut(t *testing.T) {
	w := newWorld(t)
	w.alarm(0, "limit", air, "raised 9 8")
	if _, err := w.e.Evaluate(at(min), "cr1", "thawed", quality); err != nil {
		t.Fatal(err)
	}
	if _, err := w.e.Dispose(at(min), "cr1", agent.DispositionRelease, quality, ""); !errors.Is(err, excursion.ErrStillOut) {
		t.Errorf("released while out: %v", err)
	}
	if _, err := w.e.Dispose(at(min), "cr1", agent.DispositionReject, quality, ""); err != nil {
		t.Error(err)
	}
	if _, err := w.e.Dispose(at(min), "cr1", agent.DispositionReject, quality, ""); !errors.Is(err, excursion.ErrDisposed) {
		t.Errorf("decided twice: %v", err)
	}
	if len(w.e.Cases()) != 1 {
		t.Error("the case closed while it is out")
	}
	w.read(2*min, air, "9")
	w.alarm(3*min, "limit", air, "cleared 7 8")
	if len(w.e.Cases()) != 0 || w.last.Disposition != agent.DispositionReject {
		t.Errorf("%+v", w.e.Cases())
	}
}

// TestDecidedWithADeadSensor: what was decided is open again when the dead sensor speaks and it is
// still out.
func TestDecidedWithADeadSensor(t *testing.T) {
	w := newWorld(t)
	w.alarm(0, "limit", air, "raised 9 8")
	w.note(w.e.Step(excursion.Input{At: at(20 * min)}))
	if _, err := w.e.Evaluate(at(21*min), "cr1", "kept elsewhere meanwhile", quality); err != nil {
		t.Fatal(err)
	}
	if _, err := w.e.Dispose(at(21*min), "cr1", agent.DispositionRelease, quality, ""); err != nil {
		t.Fatal(err)
	}
	if len(w.e.Cases()) != 0 {
		t.Errorf("listed: %+v", w.e.Cases())
	}
	w.read(60*min, air, "13")
	w.want("lives", "opened out; ended unknown; resumed out")
	if list := w.e.Cases(); len(list) != 1 || list[0].Disposition != "" || *list[0].Outside[0].Worst != *deg("13") {
		t.Errorf("%+v", list)
	}
}

func TestCauses(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world)
		want agent.ExcursionCause
	}{
		"nothing": {func(*world) {}, agent.CauseUnknown},
		"door":    {func(w *world) { w.read(-5*min, "cr1-door/door", "1"); w.read(-2*min, "cr1-door/door", "0") }, agent.CauseDoorOpen},
		"a moment": {func(w *world) {
			w.read(-5*min, "cr1-door/door", "1")
			w.read(-5*min+20*time.Second, "cr1-door/door", "0")
		}, agent.CauseUnknown},
		"long ago":          {func(w *world) { w.read(-60*min, "cr1-door/door", "1"); w.read(-50*min, "cr1-door/door", "0") }, agent.CauseUnknown},
		"mains":             {func(w *world) { w.read(-5*min, "mains/power_ok", "0"); w.read(-4*min, "mains/power_ok", "1") }, agent.CausePowerFailed},
		"mains before door": {func(w *world) { w.read(-9*min, "cr1-door/door", "1"); w.read(-5*min, "mains/power_ok", "0") }, agent.CausePowerFailed},
		"compressor": {func(w *world) {
			w.read(-25*min, "cr1-comp/contact", "0")
			w.read(-time.Minute, "cr1-comp/contact", "0")
		}, agent.CauseCompressor},
		"a pause":        {func(w *world) { w.read(-10*min, "cr1-comp/contact", "0") }, agent.CauseUnknown},
		"runs":           {func(w *world) { w.read(-25*min, "cr1-comp/contact", "1") }, agent.CauseUnknown},
		"its alarm":      {func(w *world) { w.alarm(-10*min, "door-ajar", "cr1-door/door", "raised") }, agent.CauseDoorOpen},
		"another zone's": {func(w *world) { w.alarm(-10*min, "door-ajar", "fr/temperature", "raised") }, agent.CauseUnknown},
		"a dead probe":   {func(w *world) { w.alarm(-10*min, "no-data", hum, "raised") }, agent.CauseSensorFault},
		"dead all along": {func(w *world) { w.alarm(-50*time.Hour, "no-data", hum, "raised") }, agent.CauseUnknown},
	} {
		w := newWorld(t)
		w.note(w.e.Step(excursion.Input{At: at(-55 * time.Hour)}))
		c.do(w)
		w.alarm(0, "limit", air, "raised 9 8")
		if got := w.last.Cause; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	w := newWorld(t)
	w.alarm(0, "limit", air, "raised 9 8")
	w.read(min, "mains/power_ok", "0")
	w.want("known later", "opened out; caused out")
	if _, err := w.e.Name(at(2*min), "cr1", "blocked-fan", keeper, ""); err != nil {
		t.Error(err)
	}
	w.told = nil
	w.read(3*min, "mains/power_ok", "0")
	w.want("a person's word stands", "")
	cold := newWorld(t)
	cold.read(-30*min, "cr1-comp/contact", "0")
	cold.alarm(0, "limit", air, "raised 1 2")
	if cold.last.Cause != agent.CauseUnknown {
		t.Errorf("a compressor that stands makes cold: %s", cold.last.Cause)
	}
}

// TestBounded: an excursion more than can be open drops the oldest that has ended, and says so.
func TestBounded(t *testing.T) {
	w := newWorld(t)
	for n := range excursion.MaxCases + 1 {
		d := time.Duration(n) * 3 * time.Second
		w.alarm(d, "limit", air, "raised 9 8")
		w.alarm(d+time.Second, "limit", air, "cleared 7 8")
	}
	if n := len(w.e.Cases()); n != excursion.MaxCases {
		t.Errorf("%d cases", n)
	}
	dropped := 0
	for _, what := range w.told {
		if strings.HasPrefix(what, "dropped") {
			dropped++
		}
	}
	if dropped != 1 {
		t.Errorf("%d dropped", dropped)
	}
}

// TestNext: the engine wants to be stepped when a point that is out may have died.
func TestNext(t *testing.T) {
	w := newWorld(t)
	w.alarm(0, "limit", air, "raised 9 8")
	if w.next != time.Hour+excursion.DeadAfter {
		t.Errorf("next at %s", w.next)
	}
	w.alarm(min, "limit", air, "cleared 7 8")
	if w.next != 0 {
		t.Errorf("next at %s after the end", w.next)
	}
}
