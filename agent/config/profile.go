package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Profiles are the named sets of limits that a zone can have.
type Profiles interface {
	Names() []string                                 // of those that are built in, sorted
	Profile(name string) (Profile, error)            // one that is built in
	Parse(file string, text []byte) (Profile, error) // one of the operator's own; the error is *Errors
}

// Profile is what has to be known of a profile here.
type Profile struct {
	// Limits are alarms as they would stand under alarms, with settings and a severity and
	// without a zone. Their ids are unique within the profile; the alarm of a zone is named
	// ZONE-LIMIT.
	Limits []Alarm
	Facts  any // what else the profile says; it is handed on as Zone.Facts
}

// Tighten replaces numbers of one limit of a profile by stricter ones.
type Tighten struct {
	Above     *agent.Value   `yaml:"above" doc:"A lower limit than the profile's above or at_or_above."`
	AtOrAbove *agent.Value   `yaml:"at_or_above" doc:"The same, with the limit itself outside."`
	Below     *agent.Value   `yaml:"below" doc:"A higher limit than the profile's below or at_or_below."`
	AtOrBelow *agent.Value   `yaml:"at_or_below" doc:"The same, with the limit itself outside."`
	For       *time.Duration `yaml:"for" doc:"A shorter time than the profile's."`
	Total     *time.Duration `yaml:"total" doc:"A shorter time in all than the profile's."`
	Severity  agent.Severity `yaml:"severity" doc:"A higher severity than the profile's."`
	Advice    string         `yaml:"advice" doc:"What to do here, in place of the profile's advice."`
}

// Objection is an error about the zone, at the place where its profile is named.
func (z *Zone) Objection(format string, args ...any) Error {
	e := z.Place
	e.Message = fmt.Sprintf(format, args...)
	return e
}

// maxVolume is more than any hall has, in m³.
const maxVolume = 10_000_000 * agent.Unit

// profiles turns the limits of the zones' profiles into alarms behind those that are
// written, and returns the node to blame for each of these.
func (k checker) profiles() []*node {
	e := expansion{checker: k, ids: map[agent.AlarmID]bool{}, found: map[string]*Profile{}}
	e.points, e.complete = k.declaredPoints()
	list := k.root.child("zones")
	for i := range k.c.Zones {
		z, n := &k.c.Zones[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		if at := n.child("volume"); at != nil && at.kind == scalarNode && (z.Volume <= 0 || z.Volume > maxVolume) {
			k.at(at, "%s is no volume in m³: want more than 0, and at most %s", z.Volume, agent.Value(maxVolume))
		}
		if at := n.child("tighten"); at != nil && n.child("profile") == nil {
			k.at(at, "the zone has no profile to tighten: write profile: and its name")
		}
		if z.Profile == "" {
			continue
		}
		at := n.near("profile")
		z.Place = Error{File: k.file, Line: at.pos.line, Column: at.pos.column, Path: at.path}
		p, known := e.found[z.Profile]
		switch {
		case !known:
			p = e.profile(at, z.Profile)
		case p == nil:
			k.at(at, "the profile %s cannot be used", z.Profile)
		}
		if p == nil || agent.CheckID(string(z.ID)) != nil {
			continue
		}
		z.Facts = p.Facts
		e.zone(z, n, p)
	}
	return e.places
}

// profile finds a profile; nil where there is none that can be used.
func (e *expansion) profile(at *node, name string) *Profile {
	if e.known.Profiles == nil {
		e.warnf(at.pos, at.path, "this version has no profiles: nothing is watched because of this one; write its limits as alarms")
		return nil
	}
	builtIn := slices.Contains(e.known.Profiles.Names(), name)
	dir := e.root.child("profiles_dir")
	var p Profile
	var err error
	switch own, readErr := e.ownProfile(name); {
	case builtIn && own != nil:
		e.at(at, "the profile %s is built in: give the one in %s another name", name, clip(e.c.ProfilesDir))
		return nil
	case builtIn:
		p, err = e.known.Profiles.Profile(name)
	case own != nil:
		file := e.ownFile(name)
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(e.file), file)
		}
		p, err = e.known.Profiles.Parse(file, own)
	case dir != nil && e.read == nil:
		return nil // it may be in a file that is left unread
	case dir != nil && readErr != nil:
		e.at(at, "there is no profile %s%s, and none in %s: %s", clip(name), suggest(name, e.known.Profiles.Names()), clip(e.c.ProfilesDir), cause(readErr))
		return nil
	default:
		e.at(at, "there is no profile %s%s", clip(name), suggest(name, e.known.Profiles.Names()))
		return nil
	}
	var bad *Errors
	switch {
	case errors.As(err, &bad):
		e.at(at, "the profile %s cannot be used", name)
		e.errors = append(e.errors, bad.List...)
		e.found[name] = nil
		return nil
	case err != nil:
		e.at(at, "the profile %s cannot be used: %s", name, err)
		return nil
	}
	e.found[name] = &p
	return &p
}

// ownProfile reads a profile of the operator's own; nil if there is none.
func (k checker) ownProfile(name string) ([]byte, error) {
	if k.c.ProfilesDir == "" || k.read == nil || agent.CheckID(name) != nil {
		return nil, nil
	}
	return k.read(k.ownFile(name))
}

// ownFile is the file of a profile of the operator's own, as profiles_dir is written.
func (k checker) ownFile(name string) string { return filepath.Join(k.c.ProfilesDir, name+".yaml") }

// expansion makes alarms of the limits of profiles.
type expansion struct {
	checker
	points   []declared
	complete bool                   // points are all there are
	ids      map[agent.AlarmID]bool // that profiles have made
	found    map[string]*Profile    // by name; nil for one that cannot be used, once that was reported
	places   []*node                // of the alarms made, in their order
}

// zone makes the alarms of one zone.
func (e *expansion) zone(z *Zone, n *node, p *Profile) {
	made, wrong := len(e.places), e.count()
	for _, entry := range n.near("tighten").entries {
		if n.child("tighten") != nil && !slices.ContainsFunc(p.Limits, func(l Alarm) bool { return string(l.ID) == entry.key }) {
			e.errorf(entry.pos, entry.value.path, "the profile %s has no limit %s%s", z.Profile, clip(entry.key),
				suggest(entry.key, ids(p.Limits, func(l Alarm) string { return string(l.ID) })))
		}
	}
	for _, limit := range p.Limits {
		a, at := limit, n.near("profile")
		a.ID, a.Zone, a.Profile = agent.AlarmID(string(z.ID)+"-"+string(limit.ID)), z.ID, z.Profile
		a.Settings = copied(limit.Settings)
		if t, ok := z.Tighten[string(limit.ID)]; ok {
			at = n.child("tighten").child(string(limit.ID))
			if !e.tighten(&a, limit.ID, t, at) {
				continue
			}
		}
		for _, one := range e.spread(a, p.Limits) {
			e.add(one, n, at)
		}
	}
	if len(e.places) == made && e.count() == wrong && e.complete {
		e.at(n.near("profile"), "the profile %s has nothing to watch here: %s", z.Profile, e.missing(z.ID, p.Limits))
	}
}

// spread is an alarm for the points that have the limit's role, if there are any, and one
// for each point without a role. Nobody has said of such a point that it may be warmer than
// the goods, so it counts as product, or as air under a profile that knows no product.
func (e *expansion) spread(a Alarm, limits []Alarm) []Alarm {
	var out []Alarm
	chosen, inZone := a.choose(e.points)
	if len(chosen) > 0 {
		out = append(out, a)
	}
	onGoods := slices.ContainsFunc(limits, func(l Alarm) bool { return l.Quantity == a.Quantity && l.Role == agent.RoleProduct })
	if a.Role == "" || a.Role != agent.RoleProduct && (onGoods || a.Role != agent.RoleAir) {
		return out
	}
	for _, p := range inZone {
		if p.role != "" || p.quantity != a.Quantity {
			continue
		}
		one := a
		one.ID = agent.AlarmID(string(a.ID) + "-at-" + string(p.id.Sensor()))
		if name := strings.TrimPrefix(string(p.id), string(p.id.Sensor())+"/"); name != string(p.quantity) {
			one.ID += agent.AlarmID("-" + name)
		}
		one.Role, one.Point, one.Points = "", p.id, []agent.PointID{p.id}
		one.Settings = copied(a.Settings)
		out = append(out, one)
	}
	return out
}

// add takes an alarm into the config, unless its id or a limit is wrong.
func (e *expansion) add(a Alarm, zone, at *node) {
	if err := agent.CheckID(string(a.ID)); err != nil {
		e.at(zone.near("id"), "the alarms of the profile %s get their names from the zone, and %s is no id: it has %d characters, more than 64",
			a.Profile, clip(string(a.ID)), len(a.ID))
		return
	}
	list := e.root.child("alarms")
	for i := range e.c.Alarms[:len(e.c.Alarms)-len(e.places)] {
		if e.c.Alarms[i].ID == a.ID {
			e.at(list.item(i).near("id"), "the id %s is that of an alarm that the profile %s makes for the zone in line %d: choose another, or tighten the zone's",
				a.ID, a.Profile, zone.pos.line)
			return
		}
	}
	if e.ids[a.ID] {
		e.at(zone.near("id"), "the profile %s makes an alarm %s, and so does the profile of another zone: choose another id", a.Profile, a.ID)
		return
	}
	e.ids[a.ID] = true
	kind := e.known.Alarms[a.Kind]
	e.limits(&a, at, kind, []declared{{quantity: a.Quantity}})
	e.c.Alarms = append(e.c.Alarms, a)
	e.places = append(e.places, at)
}

// missing says what a zone lacks that a profile could watch.
func (e *expansion) missing(zone agent.ZoneID, limits []Alarm) string {
	var quantities, roles []string
	for _, l := range limits {
		if !slices.Contains(quantities, string(l.Quantity)) {
			quantities = append(quantities, string(l.Quantity))
		}
		if l.Role != "" && !slices.Contains(roles, string(l.Role)) {
			roles = append(roles, string(l.Role))
		}
	}
	measured := slices.ContainsFunc(e.points, func(p declared) bool {
		return p.zone == zone && slices.Contains(quantities, string(p.quantity))
	})
	if !measured {
		return fmt.Sprintf("no sensor in the zone %s declares %s", zone, oneOf(quantities))
	}
	return fmt.Sprintf("no sensor in the zone %s has the role %s", zone, oneOf(roles))
}

// copied is settings that can be changed without changing the original: fields are replaced
// as a whole, never written through.
func copied(settings any) any {
	v := reflect.ValueOf(settings)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return settings
	}
	fresh := reflect.New(v.Elem().Type())
	fresh.Elem().Set(v.Elem())
	return fresh.Interface()
}
