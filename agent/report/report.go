package report

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Report is what a Builder found. Its JSON is part of API v1: keys are never renamed, only
// extended. Times are UTC; one that never became known is absent. Times outside and the like
// are in seconds.
type Report struct {
	From      time.Time       `json:"from,omitzero"`
	To        time.Time       `json:"to,omitzero"`
	Verdict   Verdict         `json:"verdict"` // the worst of the zones'
	Trip      *Trip           `json:"trip,omitempty"`
	Zones     []ZoneReport    `json:"zones"`
	Cases     List[Case]      `json:"cases"` // of excursions that overlap the time
	Alarms    List[Alarm]     `json:"alarms"`
	Lost      List[Lost]      `json:"lost"` // records of the time that are known to be missing
	Clock     Clock           `json:"clock"`
	Positions List[Positions] `json:"positions"` // the records that were read, in their order
	Unknown   int64           `json:"unknown"`   // readings of points that nobody defined: they are in no zone
}

// Verdict is how a limit, a point, a zone or the whole stands.
type Verdict string

// The verdicts, from the best to the worst.
const (
	VerdictNone       Verdict = "none"       // there is no limit to keep, or it never held
	VerdictPass       Verdict = "pass"       // no limit was reached, and no gap is long enough to hide that one was
	VerdictIncomplete Verdict = "incomplete" // no limit was reached that is known of
	VerdictFail       Verdict = "fail"       // a limit was reached
)

var verdictRank = map[Verdict]int{VerdictNone: 0, VerdictPass: 1, VerdictIncomplete: 2, VerdictFail: 3}

func worse(a, b Verdict) Verdict {
	if verdictRank[b] > verdictRank[a] {
		return b
	}
	return a
}

// List keeps the first entries of something and counts all.
type List[T any] struct {
	Total int64 `json:"total"`
	Items []T   `json:"items"`
}

func (l *List[T]) add(item T, most int) {
	l.Total++
	if len(l.Items) < most {
		l.Items = append(l.Items, item)
	}
}

// ZoneReport is what a zone went through.
type ZoneReport struct {
	Zone       agent.ZoneID  `json:"zone"`
	Name       string        `json:"name,omitempty"`
	Profile    string        `json:"profile,omitempty"`
	Verdict    Verdict       `json:"verdict"`
	Limits     []ZoneLimit   `json:"limits"`
	Quantities []ZoneSummary `json:"quantities"`
	Points     []PointReport `json:"points"`
}

// ZoneLimit is a limit of the zone over all its points. A limit that no point is measured
// for is incomplete.
type ZoneLimit struct {
	Limit    string        `json:"limit"`
	Rule     string        `json:"rule"`               // in the config's words: "temperature above 8 for 5m"
	Profile  string        `json:"profile,omitempty"`  // that it is from
	Advisory bool          `json:"advisory,omitempty"` // an early warning: it does not make the zone's verdict
	Transit  bool          `json:"transit,omitempty"`  // it holds only while a trip is under way
	Verdict  Verdict       `json:"verdict"`
	Point    agent.PointID `json:"point,omitempty"` // the one that was outside for longest
	OutsideS float64       `json:"outside_s"`       // its time outside
}

// ZoneSummary is a quantity over all points of the zone, those with the role outside left out.
type ZoneSummary struct {
	Quantity agent.Quantity `json:"quantity"`
	Unit     string         `json:"unit,omitempty"`
	Points   int            `json:"points"`
	Summary
}

// Summary is what values say. Means are weighted by the time for which each value held.
type Summary struct {
	N        int64        `json:"n"` // values
	Min      *Extreme     `json:"min,omitempty"`
	Max      *Extreme     `json:"max,omitempty"`
	Mean     *agent.Value `json:"mean,omitempty"`     // not of counters; of a state, the part of the time in which it was 1
	MKT      *agent.Value `json:"mkt,omitempty"`      // of temperatures
	Coverage float64      `json:"coverage"`           // part of the time in which a value held, 0 to 1
	CoveredS float64      `json:"covered_s"`          //
	Faults   int64        `json:"faults"`             // measurements that were due and gave no value
	Doubtful int64        `json:"doubtful,omitempty"` // values with marks; they count like the others
}

// Extreme is a smallest or largest value and when it came first.
type Extreme struct {
	V     agent.Value   `json:"v"`
	T     time.Time     `json:"t,omitzero"`
	Point agent.PointID `json:"point,omitempty"` // in a zone's summary
	Marks []string      `json:"marks,omitempty"` // doubts that stand beside it
}

// PointReport is what a point went through while it was in the zone.
type PointReport struct {
	Point       agent.PointID       `json:"point"`
	Quantity    agent.Quantity      `json:"quantity"`
	Unit        string              `json:"unit,omitempty"`
	Role        agent.Role          `json:"role,omitempty"`
	Verdict     Verdict             `json:"verdict"`
	IntervalS   float64             `json:"interval_s"`       // sampling interval that was given or found
	First       time.Time           `json:"first,omitzero"`   // first and last reading, faults included
	Last        time.Time           `json:"last,omitzero"`    //
	Undated     int64               `json:"undated,omitzero"` // readings whose time never became known
	Summary                         //
	Limits      []LimitReport       `json:"limits"`
	Gaps        List[Gap]           `json:"gaps"`
	FaultTimes  List[FaultInterval] `json:"fault_intervals"`
	Instruments List[Instrument]    `json:"instruments"`
}

// LimitReport is how a point stands to a limit.
type LimitReport struct {
	Limit      string          `json:"limit"`
	Verdict    Verdict         `json:"verdict"`
	OutsideS   float64         `json:"outside_s"`        // in all; gaps do not count
	LongestS   float64         `json:"longest_s"`        // the longest excursion's part of it
	UnknownS   float64         `json:"unknown_s"`        // gaps: what was outside then is not known
	Reached    time.Time       `json:"reached,omitzero"` // when For or Total was reached for the first time
	Worst      *Extreme        `json:"worst,omitempty"`  // the value farthest outside
	Excursions List[Excursion] `json:"excursions"`       //
	Began      time.Time       `json:"began,omitzero"`   // the first value outside
	Settled    bool            `json:"settled"`          // the last value was inside, and held to the end
}

// Excursion is one run of values outside a limit, from the first of them to the first inside;
// where none came any more, to when the last one ceased to hold.
type Excursion struct {
	Begin     time.Time   `json:"begin,omitzero"`
	End       time.Time   `json:"end,omitzero"`
	Ending    Ending      `json:"ending"`
	DurationS float64     `json:"duration_s"`          // time outside that is known of
	UnknownS  float64     `json:"unknown_s,omitempty"` // gaps in its course
	Worst     agent.Value `json:"worst"`
	WorstAt   time.Time   `json:"worst_at,omitzero"`
	Reached   bool        `json:"reached"` // in its course the limit's For or Total was reached, or was already
}

// Ending is how an excursion ended.
type Ending string

// The endings.
const (
	Returned   Ending = "returned" // a value was inside
	StillOut   Ending = "out"      // the report ends, or the limit holds no longer, and the last value was outside and held
	EndUnknown Ending = "unknown"  // in its course the point was silent for longer than a value holds, or to the end
)

// Gap is a time in which no value of the point held. A gap that has no end on one side
// reaches beyond what is known, as over a restart without a clock.
type Gap struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	S    *float64  `json:"s,omitempty"` // its length; absent where it is not known
}

// FaultInterval is a run of measurements that gave no value, from the first of them to the
// first value after.
type FaultInterval struct {
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"` // absent where no value came any more
	Fault string    `json:"fault"`       // of the first of them
	N     int64     `json:"n"`
}

// Instrument is one definition of the point: what measured it, under which certificate.
type Instrument struct {
	Definition  agent.DefID `json:"definition"`
	Driver      string      `json:"driver"`
	Serial      string      `json:"serial,omitempty"`
	Certificate string      `json:"certificate,omitempty"`
	Offset      agent.Value `json:"calibration_offset"`
	Role        agent.Role  `json:"role,omitempty"`
	From        time.Time   `json:"from,omitzero"` // first and last reading with it
	To          time.Time   `json:"to,omitzero"`
	N           int64       `json:"n"`                 // readings, faults included
	Expired     int64       `json:"expired,omitempty"` // of them, after its calibration had expired
	Due         time.Time   `json:"calibration_due,omitzero"`
}

// Alarm is one transition of an alarm: of one of the zones, or of the gateway itself.
type Alarm struct {
	T time.Time `json:"t,omitzero"`
	agent.AlarmEvent
	Before bool `json:"before,omitempty"` // it came before the report's time, in which the alarm stood
}

// Lost is a gap record: records of the time that are missing, and why.
type Lost struct {
	T time.Time `json:"t,omitzero"` // when it was recorded
	agent.Gap
}

// Clock is how far the times of the zones' readings can be believed.
type Clock struct {
	Readings int64 `json:"readings"`
	Synced   int64 `json:"synced"`  // of them, confirmed by the kernel, GNSS or a person
	Held     int64 `json:"held"`    // of them, not confirmed
	Unset    int64 `json:"unset"`   // of them, not dated yet
	Undated  int64 `json:"undated"` // of them, that never will be
	Steps    int64 `json:"steps"`   // of the wall clock
}

// Positions are the records of one epoch.
type Positions struct {
	Epoch agent.Epoch `json:"epoch"`
	First agent.Seq   `json:"first"`
	Last  agent.Seq   `json:"last"`
	N     int64       `json:"n"`
}
