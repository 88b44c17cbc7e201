package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/frostline/frostline/agent"
)

// builder makes an engine's instances and watches of its setup.
type builder struct {
	e     *Engine
	kinds map[string]Kind
	taken map[taken]bool
}

// taken is a target that an alarm somebody wrote watches: a default of the kind leaves it alone.
type taken struct {
	kind, target string
}

func (b *builder) build() error {
	for _, k := range b.e.setup.Kinds {
		b.kinds[k.Name] = k
	}
	var errs []error
	seen := map[agent.AlarmID]bool{}
	for _, defaults := range []bool{false, true} {
		for n := range b.e.setup.Specs {
			s := &b.e.setup.Specs[n]
			if s.Default != defaults {
				continue
			}
			if err := b.add(s, seen); err != nil {
				errs = append(errs, fmt.Errorf("alarm %s: %w", s.ID, err))
			}
		}
	}
	for n, i := range b.e.instances {
		i.index = n
	}
	for n, w := range b.e.watches {
		w.index = n
	}
	b.e.fresh = append([]*watch(nil), b.e.watches...)
	return errors.Join(errs...)
}

func (b *builder) add(s *Spec, seen map[agent.AlarmID]bool) error {
	k, ok := b.kinds[s.Kind]
	if !ok {
		return fmt.Errorf("kind %q: %w", s.Kind, ErrKind)
	}
	if s.Settings == nil {
		s.Settings = k.Config()
	}
	if s.Severity == "" {
		s.Severity = k.Severity
	}
	if err := s.Check(k); err != nil {
		return err
	}
	if seen[s.ID] {
		return ErrTwice
	}
	seen[s.ID] = true
	switch k.Scope {
	case PerItem:
		b.addItems(s, k)
	case PerReader:
		b.addReaders(s, k)
	case PerGateway:
		b.addGateway(s, k)
	case PerZone:
		return b.addZones(s, k)
	default:
		return b.addPoints(s, k)
	}
	return nil
}

// named finds the points that the settings name.
func (b *builder) named(s *Spec) ([]Point, error) {
	n, ok := s.Settings.(Naming)
	if !ok {
		return nil, nil
	}
	var points []Point
	for _, id := range n.Names() {
		if id == "" {
			continue
		}
		found := slices.IndexFunc(b.e.setup.Points, func(p Point) bool { return p.Point == id })
		if found < 0 {
			return nil, fmt.Errorf("point %s: %w", id, ErrNoPoint)
		}
		points = append(points, b.e.setup.Points[found])
	}
	return points, nil
}

func (b *builder) addGateway(s *Spec, k Kind) {
	if w := b.watch(s, k, "gateway", "gateway", Target{}); w != nil {
		b.e.gateway = append(b.e.gateway, w)
	}
}

// addZones adds a rule per zone over the points that the alarm selects there.
func (b *builder) addZones(s *Spec, k Kind) error {
	named, err := b.named(s)
	if err != nil {
		return err
	}
	var zones []agent.ZoneID
	chosen := map[agent.ZoneID][]Point{}
	for _, p := range b.e.setup.Points {
		if !s.selects(k, &p.Definition) {
			continue
		}
		if chosen[p.Zone] == nil {
			zones = append(zones, p.Zone)
		}
		chosen[p.Zone] = append(chosen[p.Zone], p)
	}
	for _, z := range zones {
		subject := string(z)
		if subject == "" {
			subject = "no-zone"
		}
		w := b.watch(s, k, subject, subject, Target{Point: chosen[z][0], Points: chosen[z], Named: named})
		if w == nil {
			continue
		}
		w.on.zone = z
		for _, p := range append(slices.Clone(chosen[z]), named...) {
			b.e.routes[p.ID] = append(b.e.routes[p.ID], w)
		}
	}
	return nil
}

func (b *builder) addPoints(s *Spec, k Kind) error {
	named, err := b.named(s)
	if err != nil {
		return err
	}
	points := b.e.setup.Points
	sensors := map[agent.SensorID]int{}
	for n := range points {
		if s.selects(k, &points[n].Definition) {
			sensors[points[n].Point.Sensor()]++
		}
	}
	for n := range points {
		p := &points[n]
		if !s.selects(k, &p.Definition) {
			continue
		}
		subject := string(p.Point)
		if k.Scope == PerSensor && sensors[p.Point.Sensor()] > 1 {
			subject = string(p.Point.Sensor())
		}
		w := b.watch(s, k, subject, string(p.Point), Target{Point: *p, Named: named})
		if w == nil {
			continue
		}
		if w.on.zone == "" {
			w.on.zone = p.Zone
		}
		if len(w.on.watches) == 1 {
			w.on.bus = p.Bus
		} else if w.on.bus != p.Bus {
			w.on.bus = ""
		}
		b.e.routes[p.ID] = append(b.e.routes[p.ID], w)
		for _, o := range named {
			if o.ID != p.ID {
				b.e.routes[o.ID] = append(b.e.routes[o.ID], w)
			}
		}
	}
	return nil
}

func (b *builder) addItems(s *Spec, k Kind) {
	for _, it := range b.e.setup.Items {
		if s.Item != "" && s.Item != it.ID {
			continue
		}
		if w := b.watch(s, k, string(it.ID), string(it.ID), Target{Item: it}); w != nil {
			w.on.zone, w.on.item = it.Zone, it.ID
			b.e.items[it.ID] = append(b.e.items[it.ID], w)
		}
	}
}

func (b *builder) addReaders(s *Spec, k Kind) {
	for _, r := range b.e.setup.Readers {
		if s.Reader != "" && s.Reader != r {
			continue
		}
		if w := b.watch(s, k, string(r), string(r), Target{Reader: r}); w != nil {
			b.e.readers[r] = append(b.e.readers[r], w)
		}
	}
}

// watch adds a rule on a target, and the instance for its subject if there is none yet. It
// returns nil if the alarm is a default and the target is watched by one that is not.
func (b *builder) watch(s *Spec, k Kind, subject, target string, t Target) *watch {
	if s.Default && b.taken[taken{k.Name, target}] {
		return nil
	}
	if !s.Default {
		b.taken[taken{k.Name, target}] = true
	}
	key := string(s.ID) + ":" + subject
	i := b.e.byKey[key]
	if i == nil {
		i = &instance{spec: s, kind: k, key: key, state: agent.StateNormal}
		b.e.byKey[key] = i
		b.e.instances = append(b.e.instances, i)
	}
	w := &watch{rule: k.New(s.Settings, t), on: i, key: string(s.ID) + ":" + target, target: t, waiting: -1}
	w.head = fmt.Appendf(nil, `%s:{"k":%s,"s":`, quoted(w.key), quoted(k.Name))
	i.watches = append(i.watches, w)
	b.e.watches = append(b.e.watches, w)
	return w
}

// quoted is a text as JSON.
func quoted(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		panic("alarm: a text always marshals: " + err.Error())
	}
	return b
}
