package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
)

// Verdict is whether a demand is met.
type Verdict string

// The verdicts.
const (
	Met          Verdict = "met"
	NotMet       Verdict = "not met"
	NotCheckable Verdict = "not checkable here" // nothing in a config tells
)

// Clause is one demand of a profile, and what a config says to it.
type Clause struct {
	Demand  string  `json:"demand"` // its key in the profile, or the quantity that must be measured
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	Source  *Source `json:"source,omitempty"` // nil: it follows from the limits
}

// Watch is one limit of a profile in a zone.
type Watch struct {
	Limit   agent.AlarmID   `json:"limit"`
	Rule    string          `json:"rule"` // in the config's words, as it holds in the zone
	Profile string          `json:"profile,omitempty"`
	Alarms  []agent.AlarmID `json:"alarms"`
	Points  []agent.PointID `json:"points"`
	Sources []Source        `json:"sources"`
}

// Report is a profile beside the config of a zone that names it.
type Report struct {
	Zone    agent.ZoneID `json:"zone"`
	Name    string       `json:"name,omitempty"`
	Profile string       `json:"profile"`
	Title   string       `json:"title"`
	Limits  []Watch      `json:"limits"`
	Clauses []Clause     `json:"clauses"`
}

// NotMet lists the clauses that are not met.
func (r *Report) NotMet() []Clause {
	return slices.DeleteFunc(slices.Clone(r.Clauses), func(c Clause) bool { return c.Verdict != NotMet })
}

// Site is what a config does not tell by itself.
type Site struct {
	Keep  config.Estimate // how long store.keep lasts
	Local []string        // drivers of outputs that sound or shine on the spot
	Today time.Time       // what the time is; zero where that is not known
	// People who hear of alarms; nil: the config names nobody.
	People People
}

// People knows who hears of alarms.
type People interface {
	// Told lists by name who hears of a critical alarm in the zone, each once.
	Told(zone agent.ZoneID) []string
}

// Check compares a zone of a config with its profile; ok is false for a zone without one.
func Check(c *config.Config, z *config.Zone, s Site) (r Report, ok bool) {
	p, ok := Of(z)
	if !ok {
		return r, false
	}
	k := checker{c: c, z: z, p: p, site: s}
	k.look()
	k.limits()
	k.demands()
	return Report{Zone: z.ID, Name: z.Name, Profile: p.ID, Title: p.Title, Limits: k.watches, Clauses: k.clauses}, true
}

// probe is a point in the zone of a quantity that the profile limits. What is demanded of
// probes is demanded of those that a limit watches: of air and goods, not of the evaporator.
type probe struct {
	id       agent.PointID
	quantity agent.Quantity
	sensor   *config.Sensor
}

type checker struct {
	c       *config.Config
	z       *config.Zone
	p       *Profile
	site    Site
	probes  []probe
	watches []Watch
	clauses []Clause
}

func (k *checker) add(demand, from string, v Verdict, format string, args ...any) {
	c := Clause{Demand: demand, Verdict: v, Reason: fmt.Sprintf(format, args...)}
	if s := k.p.Source(from); s.ID != "" {
		c.Source = &s
	}
	k.clauses = append(k.clauses, c)
}

// judge is met or not met.
func judge(met bool) Verdict {
	if met {
		return Met
	}
	return NotMet
}

// look finds the probes.
func (k *checker) look() {
	for i := range k.c.Sensors {
		s := &k.c.Sensors[i]
		for _, pt := range s.Points {
			if s.Zone == k.z.ID && slices.Contains(k.quantities(), pt.Quantity) {
				k.probes = append(k.probes, probe{s.ID.Point(pt.Name), pt.Quantity, s})
			}
		}
	}
}

// quantities lists what the profile limits.
func (k *checker) quantities() []agent.Quantity {
	var out []agent.Quantity
	for _, l := range k.p.Limits {
		if !slices.Contains(out, l.Quantity) {
			out = append(out, l.Quantity)
		}
	}
	return out
}

// limits says which alarms the limits have become, and that each quantity is watched.
func (k *checker) limits() {
	watched := map[agent.PointID]bool{}
	for _, l := range k.p.Limits {
		w := Watch{Limit: l.ID, Rule: rule(&l.Alarm), Alarms: []agent.AlarmID{}, Points: []agent.PointID{}, Sources: k.sources(&l)}
		own := agent.AlarmID(string(k.z.ID) + "-" + string(l.ID))
		for i := range k.c.Alarms {
			a := &k.c.Alarms[i]
			if a.Profile == "" || a.Zone != k.z.ID || a.ID != own && !strings.HasPrefix(string(a.ID), string(own)+"-at-") {
				continue
			}
			if here := rule(a); here != w.Rule && w.Profile == "" {
				w.Rule, w.Profile = here, w.Rule
			}
			w.Alarms = append(w.Alarms, a.ID)
			w.Points = append(w.Points, a.Points...)
		}
		for _, p := range w.Points {
			watched[p] = true
		}
		k.watches = append(k.watches, w)
	}
	for _, q := range k.quantities() {
		k.watched(q, watched)
	}
	k.probes = slices.DeleteFunc(k.probes, func(p probe) bool { return !watched[p.id] })
}

func (k *checker) watched(q agent.Quantity, watched map[agent.PointID]bool) {
	var yes, no []string
	for _, p := range k.probes {
		switch {
		case p.quantity != q:
		case watched[p.id]:
			yes = append(yes, string(p.id))
		default:
			no = append(no, fmt.Sprintf("%s (role %s)", p.id, p.sensor.Role))
		}
	}
	reason := "watched: " + list(yes)
	switch {
	case len(yes)+len(no) == 0:
		reason = "no sensor in the zone measures it"
	case len(no) > 0:
		reason += "; not watched: " + list(no)
	}
	k.add(string(q), "", judge(len(yes) > 0), "%s", reason)
}

// rule is an alarm in the config's words.
func rule(a *config.Alarm) string {
	words := config.Words(a.Settings)
	if a.Kind != "limit" {
		words = a.Kind + " " + words
	}
	return string(a.Quantity) + " " + words
}

// sources lists where a limit's numbers come from, each source once.
func (k *checker) sources(l *Limit) []Source {
	var out []Source
	for _, s := range k.p.Sources {
		for _, id := range l.From {
			if id == s.ID {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// names lists the sensors of probes by a property that some of them lack.
func (k *checker) names(q agent.Quantity, of func(*config.Sensor) string) (has, lacks []string) {
	for _, p := range k.probes {
		if p.quantity != q {
			continue
		}
		if text := of(p.sensor); text != "" {
			has = append(has, string(p.sensor.ID)+" "+text)
		} else {
			lacks = append(lacks, string(p.sensor.ID))
		}
	}
	return has, lacks
}

// slowest is the longest interval at which one of the probes is read.
func (k *checker) slowest() (every time.Duration, sensor agent.SensorID) {
	for _, p := range k.probes {
		if p.sensor.Every > every {
			every, sensor = p.sensor.Every, p.sensor.ID
		}
	}
	return every, sensor
}

// list is words with commas; "none" for none.
func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
