package config

import (
	"reflect"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// limitKind is the kind of alarm that compares each value with a limit, and what an alarm
// is without a kind.
const limitKind = "limit"

// bound is which values an alarm takes for outside.
type bound struct {
	key       string // the rule word
	upper     bool
	inclusive bool // the limit itself is outside
	limit     agent.Value
}

// boundWords are the rule words of a limit.
var boundWords = []bound{
	{key: "above", upper: true},
	{key: "at_or_above", upper: true, inclusive: true},
	{key: "below"},
	{key: "at_or_below", inclusive: true},
}

// String is the bound in the words of the config.
func (b bound) String() string { return b.key + " " + b.limit.String() }

// covers reports whether everything that o takes for outside is outside of b too.
func (b bound) covers(o bound) bool {
	switch {
	case b.upper != o.upper:
		return false
	case b.limit == o.limit:
		return b.inclusive || !o.inclusive
	}
	return b.upper == (b.limit < o.limit)
}

// boundOf is the bound that an alarm's settings set by one of the rule words.
func boundOf(settings any) (b bound, ok bool) {
	for _, word := range boundWords {
		if v, has := settingOf(settings, word.key); has {
			if limit, is := v.Interface().(*agent.Value); is && limit != nil {
				word.limit = *limit
				return word, true
			}
		}
	}
	return b, false
}

// settingOf is the field that a key of the settings is kept in.
func settingOf(settings any, key string) (v reflect.Value, ok bool) {
	if settings == nil {
		return v, false
	}
	s := reflect.ValueOf(settings).Elem()
	for _, f := range fieldsOf(s.Type()) {
		if f.key == key {
			return s.FieldByIndex(f.index), true
		}
	}
	return v, false
}

// tighten changes an alarm that a profile's limit has become. ok is false if the change
// would loosen it, or is none that the limit can have; then it was reported.
func (k checker) tighten(a *Alarm, limit agent.AlarmID, t Tighten, n *node) (ok bool) {
	before := k.count()
	k.tightenBound(a, limit, t, n)
	k.tightenTime(a, limit, "for", t.For, n)
	k.tightenTime(a, limit, "total", t.Total, n)
	if t.Severity != "" {
		if severities := agent.Severities(); slices.Index(severities, t.Severity) < slices.Index(severities, a.Severity) {
			k.at(n.near("severity"), "%s is less than the profile's %s: a zone may only tighten", t.Severity, a.Severity)
		}
		a.Severity = t.Severity
	}
	if t.Advice != "" {
		a.Advice = t.Advice
	}
	if v, judges := a.Settings.(interface{ Validate() error }); judges && k.count() == before {
		if err := v.Validate(); err != nil {
			k.invalid(n, a.Kind, err)
		}
	}
	return k.count() == before
}

// tightenBound moves the limit itself.
func (k checker) tightenBound(a *Alarm, limit agent.AlarmID, t Tighten, n *node) {
	old, has := boundOf(a.Settings)
	seen := ""
	for i, value := range []*agent.Value{t.Above, t.AtOrAbove, t.Below, t.AtOrBelow} {
		if value == nil {
			continue
		}
		b := boundWords[i]
		b.limit = *value
		at := n.near(b.key)
		field, settable := settingOf(a.Settings, b.key)
		switch {
		case seen != "":
			k.at(at, "%s stands there already: write one of them", seen)
		case !has || !settable:
			k.at(at, "the profile's limit %s has no %s", limit, b.key)
		case b.upper != old.upper:
			k.at(at, "the profile's limit %s is %s: it is not tightened by %s", limit, old, b.key)
		case !b.covers(old):
			k.at(at, "%s is looser than the profile's %s: a zone may only tighten", b, old)
		default:
			former, _ := settingOf(a.Settings, old.key)
			former.SetZero()
			fresh := *value
			field.Set(reflect.ValueOf(&fresh))
		}
		seen = b.key
	}
}

// tightenTime shortens how long values may be outside.
func (k checker) tightenTime(a *Alarm, limit agent.AlarmID, key string, want *time.Duration, n *node) {
	if want == nil {
		return
	}
	at := n.near(key)
	field, ok := settingOf(a.Settings, key)
	if !ok || field.Type() != durationType {
		k.at(at, "the profile's limit %s has no %s", limit, key)
		return
	}
	old := time.Duration(field.Int())
	total, hasTotal := settingOf(a.Settings, "total")
	switch {
	case old == 0 && key == "for" && hasTotal && total.Int() != 0:
		k.at(at, "the profile's limit %s counts in all: write total, or an alarm of your own", limit)
	case old == 0 && key == "for":
		k.at(at, "the profile's limit %s is raised at once: a zone may only tighten", limit)
	case old == 0:
		k.at(at, "the profile's limit %s has no %s", limit, key)
	case *want > old:
		k.at(at, "%s is looser than the profile's %s: a zone may only tighten", formatDuration(*want), formatDuration(old))
	case *want == 0 && (key == "total" || hasTotal && total.Int() != 0):
		k.at(at, "0s would switch a part of the limit %s off: write a time", limit)
	default:
		field.SetInt(int64(*want))
	}
}
