package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
)

// Known is what the caller tells about drivers, so that this package knows none.
type Known struct {
	Sensors   map[string]Device     // by the word after driver:
	Scanners  map[string]Device     //
	Upstreams map[string]func() any // each returns a new pointer to settings with their defaults
	Outputs   map[string]func() any
	Alarms    map[string]AlarmKind // by the word after kind:
	Scenarios []string             // of emulated buses; nil: any word
	Profiles  []string             // of zones; nil: any word
	// Buses names the buses that a scenario has; nil: any name is taken. The scenario is one
	// of Scenarios or the path of a file.
	Buses func(scenario string) ([]string, error)
}

// Device is what is known of a sensor's or scanner's driver.
type Device struct {
	Config func() any        // a new pointer to the driver's settings, with their defaults
	Points func(any) []Point // what a device with these settings measures; nil: nothing
}

// Point is what a driver says it measures.
type Point struct {
	Name     string
	Quantity agent.Quantity
}

// AlarmKind is what is known of a kind of alarm.
type AlarmKind struct {
	Config func() any // a new pointer to the kind's settings, with their defaults
	Of     Watched    // what its alarms watch
	// Limit: it compares values, so all points of one alarm have one quantity. Settings of
	// type *agent.Value are limits and must be values that the quantity can have.
	Limit bool
}

// Watched is what the alarms of a kind watch.
type Watched int

// What alarms watch, and by which keys they select it.
const (
	Points  Watched = iota + 1 // zone, point, quantity, role
	Items                      // item
	Readers                    // reader
)

// driven is a part of the config whose remaining keys belong to its driver or kind.
type driven interface {
	selector() (key string, word *string) // driver or kind, and the word that stands there
	known(k Known) []string               // the words that can stand there
	make(k Known) any                     // new settings for the word; nil if it is none
	fill(k Known, settings any)
}

func (s *Sensor) selector() (string, *string) { return "driver", &s.Driver }
func (s *Sensor) known(k Known) []string      { return names(k.Sensors) }
func (s *Sensor) make(k Known) any            { return k.Sensors[s.Driver].settings() }
func (s *Sensor) fill(k Known, settings any) {
	s.Settings, s.Points = settings, k.Sensors[s.Driver].points(settings)
}

func (s *Scanner) selector() (string, *string) { return "driver", &s.Driver }
func (s *Scanner) known(k Known) []string      { return names(k.Scanners) }
func (s *Scanner) make(k Known) any            { return k.Scanners[s.Driver].settings() }
func (s *Scanner) fill(k Known, settings any) {
	s.Settings, s.Points = settings, k.Scanners[s.Driver].points(settings)
}

func (u *Upstream) selector() (string, *string) { return "driver", &u.Driver }
func (u *Upstream) known(k Known) []string      { return names(k.Upstreams) }
func (u *Upstream) make(k Known) any            { return construct(k.Upstreams[u.Driver]) }
func (u *Upstream) fill(_ Known, settings any)  { u.Settings = settings }

func (o *Output) selector() (string, *string) { return "driver", &o.Driver }
func (o *Output) known(k Known) []string      { return names(k.Outputs) }
func (o *Output) make(k Known) any            { return construct(k.Outputs[o.Driver]) }
func (o *Output) fill(_ Known, settings any)  { o.Settings = settings }

func (a *Alarm) selector() (string, *string) { return "kind", &a.Kind }
func (a *Alarm) known(k Known) []string      { return names(k.Alarms) }
func (a *Alarm) make(k Known) any            { return construct(k.Alarms[a.Kind].Config) }
func (a *Alarm) fill(_ Known, settings any)  { a.Settings = settings }

func (d Device) settings() any { return construct(d.Config) }

func (d Device) points(settings any) []Point {
	if d.Points == nil {
		return nil
	}
	return d.Points(settings)
}

func construct(f func() any) any {
	if f == nil {
		return nil
	}
	return f()
}

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// settings decodes the keys of n that own does not name into the settings of d's driver
// or kind, and lets that judge them.
func (p *problems) settings(n *node, d driven, own []field) {
	key, word := d.selector()
	if *word == "" || n.child(key) != nil && n.child(key).kind != scalarNode {
		return // missing or misshapen, and reported as such
	}
	settings := d.make(p.known)
	if settings == nil {
		p.at(n.near(key), "there is no %s %s%s", key, clip(*word), suggest(*word, d.known(p.known)))
		return
	}
	before := p.count()
	v := reflect.ValueOf(settings).Elem()
	fields := fieldsOf(v.Type())
	p.required(n, fields)
	for _, e := range n.entries {
		if slices.Contains(keysOf(own), e.key) {
			continue
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		if i < 0 {
			p.unknownKey(n, e, append(keysOf(own), keysOf(fields)...))
			continue
		}
		p.value(e.value, v.FieldByIndex(fields[i].index), fields[i].enum)
	}
	if p.count() > before {
		return
	}
	if j, ok := settings.(interface{ Validate() error }); ok {
		if err := j.Validate(); err != nil {
			p.invalid(n, *word, err)
			return
		}
	}
	d.fill(p.known, settings)
}

// invalid reports what a Validate says, at the key that its sentence begins
// with if it begins with one, otherwise at the block.
func (p *problems) invalid(n *node, name string, err error) {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, one := range several.Unwrap() {
			p.invalid(n, name, one)
		}
		return
	}
	text := strings.TrimPrefix(err.Error(), name+": ")
	word, rest, _ := strings.Cut(text, " ")
	if key := n.child(strings.TrimSuffix(word, ":")); key != nil {
		if strings.HasSuffix(word, ":") {
			text = rest
		}
		p.at(key, "%s", text)
		return
	}
	p.at(n, "%s: %s", name, text)
}
