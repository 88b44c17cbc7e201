package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	alarmall "github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	reports "github.com/frostline/frostline/agent/report"
)

// judged are the kinds of alarm that a verdict goes by: those that tell of the goods' climate.
var judged = []string{"limit", "cooling", "mkt"}

// reportLimits makes a report's zones of a config.
type reportLimits struct {
	cfg   *config.Config
	file  string // of the config
	kinds map[string]alarm.Kind
	every map[agent.PointID]time.Duration
	defs  []agent.Definition // of the config's points
	due   map[agent.SensorID]config.Date
	notes []string // what a reader has to know of the limits
}

func newReportLimits(cfg *config.Config, file string) *reportLimits {
	l := &reportLimits{
		cfg: cfg, file: file, kinds: map[string]alarm.Kind{}, every: map[agent.PointID]time.Duration{},
		due: map[agent.SensorID]config.Date{}, defs: daemon.Definitions(cfg),
	}
	for _, k := range alarmall.Kinds() {
		l.kinds[k.Name] = k
	}
	for _, s := range cfg.Sensors {
		l.due[s.ID] = s.CalibrationDue
		for _, p := range s.Points {
			l.every[s.ID.Point(p.Name)] = s.Every
		}
	}
	return l
}

// calibrationDue is until when the instrument of a definition is calibrated, as far as it is
// the one that the config has.
func (l *reportLimits) calibrationDue(d agent.Definition) time.Time {
	for i := range l.defs {
		c := &l.defs[i]
		if c.Point == d.Point && c.Serial == d.Serial && c.Certificate == d.Certificate {
			return l.due[d.Point.Sensor()].Time()
		}
	}
	return time.Time{}
}

// zoneConfig is the zone of the config; nil if there is none.
func (l *reportLimits) zoneConfig(id agent.ZoneID) *config.Zone {
	for i := range l.cfg.Zones {
		if l.cfg.Zones[i].ID == id {
			return &l.cfg.Zones[i]
		}
	}
	return nil
}

// zone is a zone with the limits that the config has for it.
func (l *reportLimits) zone(id agent.ZoneID) reports.Zone {
	out := reports.Zone{ID: id}
	if z := l.zoneConfig(id); z != nil {
		out.Name, out.Profile = z.Name, z.Profile
	}
	l.configured(&out, false)
	return out
}

// configured adds the limits that the config has for the zone: all, or those that somebody wrote.
func (l *reportLimits) configured(z *reports.Zone, written bool) {
	type candidate struct {
		limit    reports.Limit
		severity agent.Severity
	}
	var all []candidate
	binding := len(z.Limits) > 0
	for i := range l.cfg.Alarms {
		a := &l.cfg.Alarms[i]
		if written && a.Profile != "" || !slices.Contains(judged, a.Kind) || !l.watches(a, z.ID) {
			continue
		}
		severity := cmp.Or(a.Severity, l.kinds[a.Kind].Severity)
		all = append(all, candidate{l.limit(a), severity})
		binding = binding || a.Profile != "" || severity == agent.SeverityCritical
	}
	for _, c := range all {
		if slices.ContainsFunc(z.Limits, func(o reports.Limit) bool { return o.Name == c.limit.Name }) {
			c.limit.Name += " (config)" // the profile that a trip names has one of that name
		}
		c.limit.Advisory = binding && c.limit.Profile == "" && c.severity != agent.SeverityCritical
		z.Limits = append(z.Limits, c.limit)
	}
}

// watches reports whether the alarm watches a point of the zone.
func (l *reportLimits) watches(a *config.Alarm, zone agent.ZoneID) bool {
	return a.Zone == zone || slices.ContainsFunc(l.defs, func(d agent.Definition) bool {
		return d.Zone == zone && slices.Contains(a.Points, d.Point)
	})
}

func (l *reportLimits) limit(a *config.Alarm) reports.Limit {
	out := reports.Limit{
		Name: string(a.ID), Profile: a.Profile, Point: a.Point, Quantity: a.Quantity, Role: a.Role, Transit: a.Transit,
	}
	if s, ok := a.Settings.(*limit.Settings); ok {
		out.Above, out.AtOrAbove, out.Below, out.AtOrBelow = s.Above, s.AtOrAbove, s.Below, s.AtOrBelow
		out.For, out.Total, out.Within = s.For, s.Total, string(s.Within)
		return out
	}
	kind := l.kinds[a.Kind]
	out.Kind, out.Settings = &kind, a.Settings
	return out
}

// compartment is a zone with the limits of the profile that a trip named for it.
func (l *reportLimits) compartment(c agent.TripCompartment) reports.Zone {
	own := l.zone(c.Zone)
	if c.Profile == "" || c.Profile == own.Profile {
		return own
	}
	out := reports.Zone{ID: c.Zone, Name: own.Name, Profile: c.Profile}
	limits, ok := l.named(c.Profile)
	for i := range limits {
		a := limits[i]
		if !slices.Contains(judged, a.Kind) {
			continue
		}
		a.ID, a.Profile = agent.AlarmID(string(c.Zone)+"-"+string(a.ID)), c.Profile
		one := l.limit(&a)
		// As the config does it: a point without a role counts as product, or as air under a profile
		// that knows no product.
		one.OrNoRole = a.Role == agent.RoleProduct || a.Role == agent.RoleAir && !slices.ContainsFunc(limits, func(o config.Alarm) bool {
			return o.Quantity == a.Quantity && o.Role == agent.RoleProduct
		})
		if l.finds(c.Zone, &one) {
			out.Limits = append(out.Limits, one)
		}
	}
	if !ok {
		l.notes = append(l.notes, "the profile "+c.Profile+" of "+string(c.Zone)+" is not known here: its limits are the range that the trip has on record")
		out.Limits = rangeLimits(c)
	}
	l.configured(&out, true)
	return out
}

// finds reports whether the zone has a point for a limit of a profile: as in the config, one for
// air is none where only goods are measured. Of a zone that the config does not know, any may be.
func (l *reportLimits) finds(zone agent.ZoneID, one *reports.Limit) bool {
	known := false
	for i := range l.defs {
		d := &l.defs[i]
		if d.Zone != zone || d.Quantity != one.Quantity {
			continue
		}
		known = true
		if one.Role == "" || d.Role == one.Role || d.Role == "" && one.OrNoRole {
			return true
		}
	}
	return !known
}

// named are the limits of a profile, built in or of the operator's own.
func (l *reportLimits) named(name string) ([]config.Alarm, bool) {
	library := daemon.Known().Profiles
	if p, err := library.Profile(name); err == nil {
		return p.Limits, true
	}
	if l.cfg.ProfilesDir == "" || agent.CheckID(name) != nil {
		return nil, false
	}
	file := filepath.Join(l.cfg.ProfilesDir, name+".yaml")
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(l.file), file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	p, err := library.Parse(file, text)
	return p.Limits, err == nil
}

// rangeLimits are the ends of the range that a trip has on record for a compartment.
func rangeLimits(c agent.TripCompartment) []reports.Limit {
	var out []reports.Limit
	for _, end := range []struct {
		name         string
		above, below *agent.Value
	}{{"high", c.High, nil}, {"low", nil, c.Low}} {
		if end.above != nil || end.below != nil {
			out = append(out, reports.Limit{
				Name: string(c.Zone) + "-" + end.name, Profile: c.Profile, Quantity: agent.Temperature, Above: end.above, Below: end.below,
			})
		}
	}
	return out
}
