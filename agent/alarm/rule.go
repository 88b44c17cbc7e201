package alarm

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// HoldIntervals is for how many of its point's intervals a value holds at most.
const HoldIntervals = 3

// Rule watches one target of one alarm. It is a pure state machine: what it returns depends
// on its settings, its state and the arguments alone.
type Rule interface {
	// Step brings the rule to t.Now, with what came in at that moment; in is nil if nothing
	// did. Steps come in the order of t.Now. A step without input at a moment at which
	// nothing is due changes no later result.
	Step(t Tick, in *Input) Condition
	// Explain says what the rule found. It is called only for transitions and lists.
	Explain() Finding
	// State points to the rule's whole state, which encoding/json writes and reads. Reading
	// into it must refuse what the rule could not have written, or cope with it.
	State() any
}

// Tick is when a rule is stepped.
type Tick struct {
	Now      Line
	Sampled  Line           // when the input was measured; ≤ Now. Now if there is none
	Wall     time.Time      // of Now; zero while the clock is unset
	Location *time.Location // of the site: rules what a day is
	// Gap: from the last step until Now the agent was off, or the time between is unknown.
	// Nothing that was due in between is known to have happened.
	Gap bool
	// Acknowledged: a person has just acknowledged the alarm.
	Acknowledged bool
}

// Condition is how a rule stands after a step.
type Condition struct {
	Active  bool
	Suspect bool // not active yet, but what makes it active is there
	Began   Line // when it began: the first value outside; 0 where unknown
	Held    Line // how long it has counted so far
	Next    Line // when to step without input; later than Now, or 0 for never
}

// Finding is what a rule found, for people. text.go puts it into words.
type Finding struct {
	Word    Word
	Value   *agent.Value  // the newest value
	Limit   *agent.Value  // what it is compared with
	For     time.Duration // how long it had to last; 0 if no time at all. Of a forecast: it comes at the latest
	Soonest time.Duration // of a forecast: it comes at the soonest
	Total   bool          // For is a total
	Within  string        // of a total: trip, day, 24h
	Window  time.Duration // of a total within the last 24h, say: how long that is
	Fault   agent.Fault
	Other   *agent.Value    // a second value: the change, the other probe's
	Points  []agent.PointID // that Value and Other are of, where they are not the alarm's own
	Text    string          // a date
	Code    string
	Count   int64 // how many codes; how many pieces

	Troubles []Trouble // what is wrong with the gateway
}

// Word says what a rule found.
type Word string

// The findings.
const (
	Above        Word = "above"
	AtOrAbove    Word = "at_or_above"
	Below        Word = "below"
	AtOrBelow    Word = "at_or_below"
	NoData       Word = "no-data"
	SensorFault  Word = "sensor-fault"
	BelowMinimum Word = "below-minimum"
	OutOfStock   Word = "out-of-stock"
	UnknownCode  Word = "unknown-code"

	Rises          Word = "rises"
	Falls          Word = "falls"
	FlatLine       Word = "flat-line"
	Disagree       Word = "disagree"
	Kinetic        Word = "kinetic"
	Condensation   Word = "condensation"
	CalibrationDue Word = "calibration-due"
	Cooling        Word = "cooling"
	TroubleHere    Word = "trouble"
	Forecast       Word = "forecast"
)

// Input is what an engine is stepped with: an instant, and at most one thing that came in then.
type Input struct {
	At agent.Instant
	// Start says that the agent starts at At and was not running since the last step.
	// The first instant of a new boot implies it.
	Start      bool
	Reading    *agent.Reading
	Definition *agent.Definition // of the reading; not nil if Reading is not
	Level      *Level
	Unknown    *Unknown
	Trouble    *Trouble
	Trip       *Trip
}

// Trouble is a declared condition of the gateway itself that has come or gone. Those that
// hold are told anew after every start.
type Trouble struct {
	Code    string // of docs/conditions.md
	Subject string // store, upstream/hq …; empty for the gateway itself
	Title   string // what people call it
	Here    bool   // it holds
}

// Trip says what became of the gateway's trip.
type Trip struct {
	Begins  bool // a trip began just now: what is summed up within a trip begins anew
	Transit bool // it is under way: alarms of transit are armed
}

// Level is how much there is of an item: what its minimum is compared with.
type Level struct {
	Item     agent.ItemID
	Zone     agent.ZoneID // where; empty for all zones together
	Quantity int64
	Minimum  int64
}

// Unknown is a code that stands for no item.
type Unknown struct {
	Reader agent.ReaderID
	Zone   agent.ZoneID
	Code   string
}

// Output is what a step brought about.
type Output struct {
	Events []agent.Event // alarm transitions, in the order in which they happened
	Next   time.Duration // Instant.Mono of the present boot at which to step without input; 0 for never
}

// Pieces is a number of pieces as a value, for findings about stock.
func Pieces(n int64) *agent.Value {
	const most = int64(1<<63-1) / int64(agent.Unit)
	v := agent.Value(min(max(n, -most), most)) * agent.Unit
	return &v
}
