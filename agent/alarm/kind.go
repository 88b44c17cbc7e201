package alarm

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Scope is what one alarm of a kind has one rule and one instance for.
type Scope int

// The scopes.
const (
	PerPoint   Scope = iota + 1 // a rule and an instance per point
	PerSensor                   // a rule per point, an instance per sensor: one message lists the points
	PerItem                     // per stock item
	PerReader                   // per scanner or tag reader
	PerZone                     // one rule over all selected points of a zone
	PerGateway                  // one, of the gateway itself
)

// Facts are what the engine has to know of a kind beside its settings.
type Facts struct {
	Name  string // the word after kind: in the config
	Scope Scope
	// Quantity and Gauge narrow what an alarm of the kind can select: points of the quantity,
	// or of quantities that are gauges.
	Quantity agent.Quantity
	Gauge    bool
	// OneQuantity: all points of one alarm must have one quantity, so it must say which.
	OneQuantity bool
	// Excursion: the alarm is about the climate of a zone, so it names the goods there, and it
	// compares values, so it must select points of one quantity.
	Excursion bool
	// Default: there is one without a word in the config, of everything that no alarm of the
	// kind watches that somebody wrote.
	Default bool
	// Severity is what an alarm of this kind has unless the config says otherwise.
	Severity agent.Severity
}

// Takes reports whether an alarm of the kind can watch points of a quantity.
func (f Facts) Takes(q agent.Quantity) bool {
	return (f.Quantity == "" || f.Quantity == q) && (!f.Gauge || q.Kind() == agent.Gauge)
}

// Needs reports whether an alarm of the kind must say which quantity or which point it watches.
func (f Facts) Needs() bool { return (f.Excursion || f.OneQuantity) && f.Quantity == "" }

// Kind is a kind of rule: what Define returns and package all lists.
type Kind struct {
	Facts
	Config   func() any                        // a new pointer to the kind's settings, set to their defaults
	Describe func(settings any) string         // the rule in the config's words: "above 8 for 5m"
	New      func(settings any, t Target) Rule // settings is what Config returned, filled in and validated
}

// Define makes a kind from what the engine has to know of it, its settings' defaults, how to
// say them in the config's words, and how to make a rule. C is a struct whose fields carry
// `yaml:"key"` and `doc:"…"` tags; if *C has Validate() error, New and the config call it.
func Define[C any](f Facts, defaults C, describe func(C) string, rule func(C, Target) Rule) Kind {
	return Kind{
		Facts:    f,
		Config:   func() any { c := defaults; return &c },
		Describe: func(c any) string { return describe(*c.(*C)) },
		New:      func(c any, t Target) Rule { return rule(*c.(*C), t) },
	}
}

// Target is what one rule watches.
type Target struct {
	Point  Point          // if the scope is PerPoint or PerSensor; the first one if it is PerZone
	Points []Point        // if it is PerZone
	Named  []Point        // that the settings name; see Naming
	Item   Item           // if it is PerItem
	Reader agent.ReaderID // if it is PerReader
}

// Naming is implemented by the settings of kinds whose rules look at more points than those
// that the alarm selects: a rule has readings of all of them.
type Naming interface {
	// Names lists the points that the settings name, in a fixed order.
	Names() []agent.PointID
}

// Point is a measured point as it is now.
type Point struct {
	agent.Definition
	Every time.Duration // sampling interval; with 0 no value holds
	Bus   string        // what it is read over; empty where that is its own
	Due   time.Time     // when its instrument's calibration expires; zero where nobody said
}

// Hold is how long a value of the point holds without a new sample.
func (p Point) Hold() Line { return HoldIntervals * Millis(p.Every) }

// Item is a stock item with the minimum that is watched.
type Item struct {
	ID      agent.ItemID
	Zone    agent.ZoneID // where the minimum has to be; empty for all zones together
	Minimum int64
}
