// Package profile reads named sets of limits, such as vaccine-2-8: what may be measured in a
// zone, what the rules demand of whoever measures it, and for each number where it comes
// from. The limits are alarms in the config's own words; agent/config makes them alarms of
// the zones that name the profile. Check compares the demands with a config.
//
// The package is pure: it is given texts and configs, and touches nothing.
package profile

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
)

// Profile is a profile that was found right. Everything in it is read-only.
type Profile struct {
	ID      string   `yaml:"id,required" doc:"The profile's name, which is its file's name without .yaml."`
	Title   string   `yaml:"title,required" doc:"What it is for, in a few words."`
	About   string   `yaml:"about" doc:"What whoever chooses it should know."`
	Sources []Source `yaml:"sources,required" doc:"Where its numbers come from."`
	Limits  []Limit  `yaml:"limits,required" doc:"What raises an alarm."`
	Demands Demands  `yaml:"demands" doc:"What the rules demand of whoever measures."`
}

// Source is where a number comes from.
type Source struct {
	ID       string `yaml:"id,required" doc:"The name by which from: means it." json:"id"`
	Document string `yaml:"document,required" doc:"The rule, standard or guide." json:"document"`
	Clause   string `yaml:"clause" doc:"Where in it." json:"clause,omitempty"`
	Mark     Mark   `yaml:"mark,required" doc:"How sure it is." json:"mark"`
	Why      string `yaml:"why" doc:"Of an own choice: its reason." json:"why,omitempty"`
}

// Mark is how sure a source is.
type Mark string

// The marks.
const (
	Verified  Mark = "verified"   // read in a public source
	WellKnown Mark = "well-known" // common knowledge of the trade, not compared with the text word by word
	Own       Mark = "own"        // no rule says it: chosen for Frostline, with a reason
)

// Words lists the marks.
func (Mark) Words() []string { return []string{string(Verified), string(WellKnown), string(Own)} }

// Limit is an alarm in the config's words, and for each of its numbers the source.
type Limit struct {
	config.Alarm
	From map[string]string `yaml:"from,required" doc:"For each key of the limit that is a number or a time, the id of its source."`
}

// Demands are what the rules demand of whoever measures. What is nil is not demanded.
type Demands struct {
	Probes        *Probes    `yaml:"probes" doc:"How many thermometers."`
	OnGoods       *Plain     `yaml:"on_goods" doc:"A probe that feels what the goods feel: buffered, in a bottle or among them."`
	Accuracy      []Accuracy `yaml:"accuracy" doc:"How far a value may be off."`
	Measure       *Interval  `yaml:"measure" doc:"How often each point is measured."`
	Record        *Interval  `yaml:"record" doc:"How often a value is recorded."`
	RecordOutside *Interval  `yaml:"record_outside" doc:"How often a value is recorded while it is out of range."`
	Independent   *Plain     `yaml:"independent" doc:"The instruments are not those that control the cooling."`
	Persons       *Count     `yaml:"persons" doc:"How many named persons hear of an alarm."`
	PowerFailure  *Plain     `yaml:"power_failure" doc:"An alarm when the mains fail."`
	LocalAlarm    *Plain     `yaml:"local_alarm" doc:"Sound and light on the spot."`
	Calibration   *Interval  `yaml:"calibration" doc:"How often instruments are calibrated."`
	Retention     *Retention `yaml:"retention" doc:"How long records are kept."`
	NoImport      *Plain     `yaml:"no_import" doc:"Nobody can bring in records from elsewhere."`
	NoCorrection  *Plain     `yaml:"no_correction" doc:"Nobody can change or adjust what was measured."`
}

// Plain is a demand without a number.
type Plain struct {
	From string `yaml:"from,required" doc:"Its source."`
}

// Probes is how many points of a quantity a zone must have.
type Probes struct {
	Quantity agent.Quantity `yaml:"quantity,required" doc:"What they measure."`
	Count    int64          `yaml:"count,required" doc:"So many in each zone."`
	Over     agent.Value    `yaml:"over" doc:"In a zone of more m³ than this, more of them."`
	OneMore  agent.Value    `yaml:"one_more_per" doc:"One more for each m³ of this many beyond over, also for a part of them."`
	From     string         `yaml:"from,required" doc:"Its source."`
}

// Demanded is how many a zone of the given volume in m³ must have.
func (p *Probes) Demanded(volume agent.Value) int64 {
	if p.OneMore <= 0 || volume <= p.Over {
		return p.Count
	}
	return p.Count + int64((volume-p.Over+p.OneMore-1)/p.OneMore)
}

// Accuracy is how far values of a quantity may be off.
type Accuracy struct {
	Quantity   agent.Quantity `yaml:"quantity,required" doc:"What is measured."`
	Within     agent.Value    `yaml:"within,required" doc:"Values are off by at most this, up or down."`
	Lowest     *agent.Value   `yaml:"lowest" doc:"It holds for values from this."`
	Highest    *agent.Value   `yaml:"highest" doc:"It holds for values to this."`
	Resolution agent.Value    `yaml:"resolution" doc:"The smallest difference that must be seen."`
	From       string         `yaml:"from,required" doc:"Its source."`
}

// Interval is how often something is done.
type Interval struct {
	AtMost time.Duration `yaml:"at_most,required" doc:"So much time may lie between."`
	From   string        `yaml:"from,required" doc:"Its source."`
}

// Count is how many there are of something.
type Count struct {
	AtLeast int64  `yaml:"at_least,required" doc:"So many, or more."`
	From    string `yaml:"from,required" doc:"Its source."`
}

// Retention is how long something is kept.
type Retention struct {
	AtLeast time.Duration `yaml:"at_least,required" doc:"So long, or longer."`
	From    string        `yaml:"from,required" doc:"Its source."`
}

// Source is the source with an id; the zero one if there is none.
func (p *Profile) Source(id string) Source {
	for _, s := range p.Sources {
		if s.ID == id {
			return s
		}
	}
	return Source{}
}

// Alarms are the limits as the config wants them: without a zone.
func (p *Profile) Alarms() []config.Alarm {
	alarms := make([]config.Alarm, len(p.Limits))
	for i, l := range p.Limits {
		alarms[i] = l.Alarm
	}
	return alarms
}

// Of is the profile of a zone of a config that was loaded with a Library; ok is false for a
// zone without one.
func Of(z *config.Zone) (p *Profile, ok bool) {
	p, ok = z.Facts.(*Profile)
	return p, ok
}
