package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

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
	Profiles  Profiles             // of zones; nil: there are none
	// Buses names the buses that a scenario has; nil: any name is taken. The scenario is one
	// of Scenarios or the path of a file.
	Buses func(scenario string) ([]string, error)
	// Recorded are the points of a recording that the rules are to be tried on: those that no
	// sensor declares are declared all the same.
	Recorded []agent.PointID
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
	// Takes reports whether its alarms can watch points of a quantity; nil: of any.
	Takes func(agent.Quantity) bool
	// Needs: an alarm must say which quantity or which point it watches.
	Needs bool
}

// Watched is what the alarms of a kind watch.
type Watched int

// What alarms watch, and by which keys they select it.
const (
	Points  Watched = iota + 1 // zone, point, quantity, role
	Items                      // item
	Readers                    // reader
	Gateway                    // nothing: they watch the gateway itself
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
	r := readable{keys: keysOf(fields), blind: map[string]bool{}}
	strange := false
	for _, e := range n.entries {
		if slices.Contains(keysOf(own), e.key) {
			continue
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		if i < 0 {
			p.unknownKey(n, e, append(keysOf(own), keysOf(fields)...))
			strange = true
			continue
		}
		if !p.decode(e.value, v.FieldByIndex(fields[i].index), fields[i].enum) {
			r.blind[e.key] = true
		}
	}
	for _, f := range fields {
		if n.child(f.key) == nil && (f.required || strange) {
			r.blind[f.key] = true
		}
	}
	r.whole = p.count() == before
	if j, ok := settings.(interface{ Validate() error }); ok {
		if err := r.bearing(j.Validate()); err != nil {
			p.invalid(n, *word, err)
		}
	}
	if p.count() == before {
		d.fill(p.known, settings)
	}
}

// readable is what of a block's settings could be read.
type readable struct {
	whole bool            // everything
	keys  []string        // of the settings
	blind map[string]bool // those that were misread, are missing, or may be what an unknown key means
}

// bearing is what of a judgment on the settings holds; nil if nothing does.
func (r readable) bearing(err error) error {
	if err == nil || r.whole {
		return err
	}
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		var some []error
		for _, one := range several.Unwrap() {
			some = append(some, r.bearing(one))
		}
		return errors.Join(some...)
	}
	if !r.bears(err.Error()) {
		return nil
	}
	return err
}

// bears reports whether a sentence about the settings holds: it speaks of keys that could be
// read, and of no other. What it says of another one may only follow from that key's own error.
func (r readable) bears(text string) bool {
	said := false
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		if r.blind[word] {
			return false
		}
		said = said || slices.Contains(r.keys, word)
	}
	return said
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
