package alarm

import (
	"errors"
	"fmt"

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
	default:
		b.addPoints(s, k)
	}
	return nil
}

func (b *builder) addPoints(s *Spec, k Kind) {
	points := b.e.setup.Points
	sensors := map[agent.SensorID]int{}
	for n := range points {
		if s.Watches(&points[n].Definition) {
			sensors[points[n].Point.Sensor()]++
		}
	}
	for n := range points {
		p := &points[n]
		if !s.Watches(&p.Definition) {
			continue
		}
		subject := string(p.Point)
		if k.Scope == PerSensor && sensors[p.Point.Sensor()] > 1 {
			subject = string(p.Point.Sensor())
		}
		w := b.watch(s, k, subject, string(p.Point), Target{Point: *p})
		if w == nil {
			continue
		}
		if w.on.zone == "" {
			w.on.zone = p.Zone
		}
		b.e.routes[p.ID] = append(b.e.routes[p.ID], w)
	}
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
	i.watches = append(i.watches, w)
	b.e.watches = append(b.e.watches, w)
	return w
}
