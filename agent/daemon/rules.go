package daemon

import (
	"encoding/json"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	alarmall "github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/stock"
	"github.com/frostline/frostline/sync/upstream"
)

// rules are the engines, stepped together: what stock finds goes on to the alarms, and what
// those say to trips and excursions.
// They are pure; the recorder guards them.
type rules struct {
	alarms *alarm.Engine
	stock  *stock.Engine
	trips  *journeys
	badges badges
	specs  []alarm.Spec
	kinds  map[string]alarm.Kind
	defs   interface {
		Definition(id agent.DefID) (agent.Definition, bool)
	}
	last agent.Instant    // of the newest step
	def  agent.Definition // of the newest reading
}

// newRules makes the engines of the config. defs finds what a point was when it was read.
func newRules(cfg *config.Config, defs interface {
	Definition(id agent.DefID) (agent.Definition, bool)
}) (*rules, error) {
	r := &rules{defs: defs, kinds: map[string]alarm.Kind{}, badges: badgesOf(cfg)}
	kinds := alarmall.Kinds()
	for _, k := range kinds {
		r.kinds[k.Name] = k
	}
	var err error
	if r.stock, err = stock.New(itemsOf(cfg), readersOf(cfg)); err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	setup := alarm.Setup{
		Kinds: kinds, Location: cfg.Location, Goods: r.stock.Goods, Voices: voicesOf(cfg),
		Names: alarm.Names{Zones: map[agent.ZoneID]string{}, Items: map[agent.ItemID]string{}},
	}
	for i := range cfg.Alarms {
		r.specs = append(r.specs, specOf(&cfg.Alarms[i]))
	}
	r.specs = append(r.specs, alarm.Defaults(kinds, r.specs)...)
	setup.Specs = r.specs
	for i := range cfg.Sensors {
		for _, p := range pointsOf(&cfg.Sensors[i]) {
			setup.Points = append(setup.Points, alarm.Point{
				Definition: p.Def, Every: cfg.Sensors[i].Every, Bus: cfg.Sensors[i].Bus(), Due: cfg.Sensors[i].CalibrationDue.Time(),
			})
		}
	}
	for _, it := range cfg.Stock.Items {
		setup.Items = append(setup.Items, alarm.Item{ID: it.ID, Zone: it.Zone, Minimum: it.Minimum})
		setup.Names.Items[it.ID] = it.Name
	}
	for _, reader := range readersOf(cfg) {
		setup.Readers = append(setup.Readers, reader.ID)
	}
	for _, z := range cfg.Zones {
		setup.Names.Zones[z.ID] = z.Name
		for _, s := range z.Suppress {
			setup.Suppressions = append(setup.Suppressions, alarm.Suppression{
				Zone: z.ID, Point: s.While, Is: s.Is, Side: alarm.Side(s.Side), Longest: s.Longest, After: s.After,
			})
		}
	}
	if r.alarms, err = alarm.New(setup); err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	if r.trips, err = newJourneys(cfg, r.stock.Goods); err != nil {
		return nil, err
	}
	return r, nil
}

func specOf(a *config.Alarm) alarm.Spec {
	return alarm.Spec{
		ID: a.ID, Kind: a.Kind, Zone: a.Zone, Point: a.Point, Quantity: a.Quantity, Role: a.Role,
		Item: a.Item, Reader: a.Reader, Severity: a.Severity, Advice: a.Advice, Settings: a.Settings,
		Transit: a.Transit, Latching: a.Latching, Absolute: a.Absolute, OffDelay: a.OffDelay, ReAlarm: a.ReAlarm,
	}
}

// voicesOf are those of everybody who is told of alarms.
func voicesOf(cfg *config.Config) []agent.Voice {
	var voices []agent.Voice
	for i := range cfg.Outputs {
		voices = append(voices, cfg.Outputs[i].Voice())
	}
	for i := range cfg.People {
		p := &cfg.People[i]
		voices = append(voices, agent.Voice{Language: p.Language, Unit: p.Unit})
	}
	return voices
}

func itemsOf(cfg *config.Config) []stock.Item {
	items := make([]stock.Item, len(cfg.Stock.Items))
	for i, it := range cfg.Stock.Items {
		items[i] = stock.Item{ID: it.ID, Name: it.Name, Minimum: it.Minimum, Codes: it.Codes, Zone: it.Zone, Pieces: it.Pieces}
		if len(it.Codes) == 0 {
			items[i].Codes = []string{string(it.ID)}
		}
	}
	return items
}

// readersOf are the scanners whose scans move stock.
func readersOf(cfg *config.Config) []stock.Reader {
	var readers []stock.Reader
	for _, s := range cfg.Scanners {
		if s.Direction != "" {
			readers = append(readers, stock.Reader{ID: s.ID, Zone: s.Zone, Direction: s.Direction, Window: cfg.Stock.Repeat})
		}
	}
	return readers
}

// start brings the rules to the present after a time in which the agent did not run.
func (r *rules) start(now agent.Instant) alarm.Output {
	out := r.step(alarm.Input{At: now, Start: true})
	for _, l := range r.stock.Levels() {
		out = join(out, r.step(alarm.Input{At: now, Level: levelOf(l)}))
	}
	ended := r.trips.reconcile(now, r.alarms.Active())
	return alarm.Output{Events: append(out.Events, ended...), Next: earliest(out.Next, r.trips.next)}
}

// tick brings the rules to the present without an input.
func (r *rules) tick(now agent.Instant) alarm.Output { return r.step(alarm.Input{At: now}) }

func (r *rules) step(in alarm.Input) alarm.Output { return r.stepWith(in, nil) }

// stepWith steps the alarms, and trips and excursions behind them. scan is set at the first step
// of a scan.
func (r *rules) stepWith(in alarm.Input, scan *agent.Scan) alarm.Output {
	r.last = in.At
	return r.follow(in, r.alarms.Step(in), scan)
}

// follow lets trips and excursions follow a step of the alarms. A trip that begins is known to the
// alarms at once: their totals within a trip begin anew.
func (r *rules) follow(in alarm.Input, out alarm.Output, scan *agent.Scan) alarm.Output {
	then := r.followTrips(in.At, r.trips.step(in, out.Events, scan))
	out.Events = append(out.Events, then.Events...)
	out.Next = earliest(earliest(out.Next, then.Next), r.trips.next)
	return out
}

// followTrips lets the alarms know what became of the trip, and adds what they say to that. The
// alarms have been stepped to now.
func (r *rules) followTrips(now agent.Instant, said []agent.Event) alarm.Output {
	out := alarm.Output{Events: said}
	for _, ev := range said {
		if ev.Trip == nil {
			continue
		}
		t := &alarm.Trip{Begins: ev.Trip.Transition == agent.TripStarted, Transit: r.trips.trips.Phase() == agent.PhaseUnderWay}
		then := r.alarms.Step(alarm.Input{At: now, Trip: t})
		out.Events = append(append(out.Events, then.Events...), r.trips.disarmed(then.Events)...)
		out.Next = then.Next
	}
	return out
}

// reading steps the rules with a reading.
func (r *rules) reading(rd *agent.Reading) alarm.Output {
	var ok bool
	if r.def, ok = r.defs.Definition(rd.Def); !ok {
		return r.tick(rd.At)
	}
	return r.step(alarm.Input{At: rd.At, Reading: rd, Definition: &r.def})
}

// scan steps the rules with a scan, and returns what it moves beside the transitions.
func (r *rules) scan(s *agent.Scan) ([]agent.Event, alarm.Output) {
	if _, badge := r.badges.of(s.Code); badge {
		return nil, r.tick(s.At) // what it acknowledges is on record
	}
	found := r.stock.Scan(s)
	out := r.stepWith(alarm.Input{At: s.At}, s)
	for _, l := range found.Levels {
		out = join(out, r.step(alarm.Input{At: s.At, Level: levelOf(l)}))
	}
	for _, u := range found.Unknown {
		out = join(out, r.step(alarm.Input{At: s.At, Unknown: &alarm.Unknown{Reader: u.Reader, Zone: u.Zone, Code: u.Code}}))
	}
	return found.Events, out
}

func (r *rules) command(now agent.Instant, c alarm.Command) (alarm.Output, error) {
	r.last = now
	out, err := r.alarms.Command(now, c)
	return r.follow(alarm.Input{At: now}, out, nil), err
}

// relive repeats what a person did to a trip or a case, from its record.
func (r *rules) relive(e *agent.Event) []agent.Event {
	out := r.tick(e.At)
	return append(out.Events, r.followTrips(e.At, r.trips.relive(e)).Events...)
}

func levelOf(l stock.Level) *alarm.Level {
	return &alarm.Level{Item: l.Item, Zone: l.Zone, Quantity: l.Quantity, Minimum: l.Minimum}
}

// join is the outcome of two steps, one after the other.
func join(a, b alarm.Output) alarm.Output {
	return alarm.Output{Events: append(a.Events, b.Events...), Next: b.Next}
}

// savedRules is the state of the rules as the store keeps it.
type savedRules struct {
	Alarms json.RawMessage `json:"alarms"`
	Stock  json.RawMessage `json:"stock"`
	Trips  json.RawMessage `json:"trips,omitempty"` // and excursions
}

func (r *rules) state() ([]byte, error) {
	alarms, err := r.alarms.State()
	if err != nil {
		return nil, err
	}
	goods, err := r.stock.State(r.last)
	if err != nil {
		return nil, err
	}
	trips, err := r.trips.state()
	if err != nil {
		return nil, err
	}
	// As savedRules, but put together by hand: what is inside need not be encoded twice.
	blob := make([]byte, 0, len(alarms)+len(goods)+len(trips)+40)
	blob = append(append(blob, `{"alarms":`...), alarms...)
	blob = append(append(blob, `,"stock":`...), goods...)
	blob = append(append(blob, `,"trips":`...), trips...)
	return append(blob, '}'), nil
}

// restore makes new rules go on where those that wrote the state stopped.
func (r *rules) restore(blob []byte) error {
	var s savedRules
	if err := json.Unmarshal(blob, &s); err != nil {
		return fmt.Errorf("daemon: state of the rules: %w", err)
	}
	if err := r.stock.Restore(s.Stock); err != nil {
		return err
	}
	if err := r.trips.restore(s.Trips); err != nil {
		return err
	}
	return r.alarms.Restore(s.Alarms)
}

// active lists the alarms that are not normal.
func (r *rules) active() []control.Alarm {
	all := []control.Alarm{}
	for _, s := range r.alarms.Active() {
		all = append(all, control.Alarm{
			ID: s.ID, Alarm: s.Alarm, Kind: s.Kind, Severity: s.Severity, Zone: s.Zone, Point: s.Point, Item: s.Item,
			State: s.State, V: s.Value, Limit: s.Limit, Began: s.Began, Raised: s.Raised.Wall, Message: s.Message,
			Items: s.Items, By: s.By, Comment: s.Comment, Until: s.Until.Wall, Cause: s.Cause,
		})
	}
	return all
}

// balances lists what is where.
func (r *rules) balances() []control.StockLine {
	lines := []control.StockLine{}
	totals, minimum, listed := map[agent.ItemID]int64{}, map[agent.ItemID]int64{}, map[agent.ItemID]bool{}
	balances := r.stock.Balances()
	for _, b := range balances {
		totals[b.Item] += b.Quantity
	}
	items := r.stock.Items()
	for _, it := range items {
		minimum[it.ID] = it.Minimum
	}
	for _, b := range balances {
		listed[b.Item] = true
		lines = append(lines, control.StockLine{
			Item: b.Item, Name: b.Name, Zone: b.Zone, Balance: b.Quantity, Minimum: minimum[b.Item], Total: totals[b.Item], Known: true,
		})
	}
	for _, it := range items {
		if !listed[it.ID] {
			lines = append(lines, control.StockLine{Item: it.ID, Name: it.Name, Zone: it.Zone, Minimum: it.Minimum})
		}
	}
	return lines
}

// info lists the configured alarms in words, for the far side.
func (r *rules) info() []upstream.InfoAlarm {
	all := make([]upstream.InfoAlarm, len(r.specs))
	for i := range r.specs {
		s := &r.specs[i]
		k := r.kinds[s.Kind]
		severity := s.Severity
		if severity == "" {
			severity = k.Severity
		}
		all[i] = upstream.InfoAlarm{ID: s.ID, Kind: s.Kind, Zone: s.Zone, Severity: severity, Rule: s.Rule(k)}
	}
	return all
}
