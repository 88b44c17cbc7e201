package profile

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
)

// Parse reads a profile as strictly as a config; name stands for the file in messages, and
// its last part is the profile's id. k says which kinds of alarm there are. The error is
// *config.Errors with everything that is wrong.
func Parse(name string, text []byte, k config.Known) (*Profile, error) {
	p := &Profile{}
	d := reader{config.ReadDocument(name, text, k, p), p}
	d.head(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	d.limits(k)
	d.demands()
	if err := d.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// reader checks what the form of a profile alone cannot tell.
type reader struct {
	*config.Document
	p *Profile
}

func (d reader) head(id string) {
	if d.p.ID != "" && d.p.ID != id {
		d.Fault("id", "the file is named %s, so its id is %s", id, id)
	} else if d.p.ID != "" && agent.CheckID(d.p.ID) != nil {
		d.Fault("id", "%v", agent.CheckID(d.p.ID))
	}
	seen := map[string]bool{}
	for i, s := range d.p.Sources {
		at := fmt.Sprintf("sources[%d]", i)
		switch {
		case s.ID != "" && seen[s.ID]:
			d.Fault(at+".id", "the source %s stands here a second time", s.ID)
		case s.Mark == Own && s.Why == "":
			d.Fault(at, "the key why is missing: an own choice has a reason")
		case s.Mark != Own && s.Mark != "" && s.Why != "":
			d.Fault(at+".why", "only an own choice has a reason: the rule has its own")
		}
		seen[s.ID] = true
	}
	if len(d.p.Sources) == 0 && len(d.Keys("")) > 0 && slices.Contains(d.Keys(""), "sources") {
		d.Fault("sources", "there is no source: every number has one")
	}
}

func (d reader) limits(k config.Known) {
	if len(d.p.Limits) == 0 && slices.Contains(d.Keys(""), "limits") {
		d.Fault("limits", "there is no limit: a profile without one watches nothing")
	}
	for i := range d.p.Limits {
		l := &d.p.Limits[i]
		at := fmt.Sprintf("limits[%d]", i)
		d.Limit(at, &l.Alarm)
		keys := d.Keys(at)
		for _, key := range []string{"zone", "point", "item", "reader"} {
			if slices.Contains(keys, key) {
				d.Fault(at+"."+key, "a profile has no %s: it holds for every zone that names it", key)
			}
		}
		if len(keys) > 0 && !slices.Contains(keys, "severity") {
			d.Fault(at, "the key severity is missing")
		}
		d.from(at, l, keys)
		for j := range d.p.Limits[:i] {
			d.pair(at, &d.p.Limits[j], l)
		}
	}
}

// from checks that each number of a limit has a source.
func (d reader) from(at string, l *Limit, keys []string) {
	shared := []string{"id", "kind", "zone", "point", "quantity", "role", "item", "reader", "severity", "advice", "from", "latching", "absolute"}
	for _, key := range keys {
		if _, has := l.From[key]; !has && l.Settings != nil && !slices.Contains(shared, key) {
			d.Fault(at+"."+key, "from: does not say where this comes from")
		}
	}
	for _, key := range d.Keys(at + ".from") {
		switch {
		case slices.Contains(shared, key) || !slices.Contains(keys, key):
			d.Fault(at+".from."+key, "the limit has no number %s", key)
		default:
			d.source(at+".from."+key, l.From[key])
		}
	}
}

// pair compares a limit with an earlier one.
func (d reader) pair(at string, first, second *Limit) {
	if first.ID == second.ID && first.ID != "" {
		d.Fault(at+".id", "the id %s stands here a second time", second.ID)
	}
	if first.Quantity != second.Quantity || first.Role != "" && second.Role != "" && first.Role != second.Role {
		return
	}
	if sentence, yes := config.Contradict(&first.Alarm, &second.Alarm); yes {
		d.Fault(at, "%s", sentence)
	}
}

// demands checks the sources and the numbers of the demands, whatever their form.
func (d reader) demands() {
	v := reflect.ValueOf(&d.p.Demands).Elem()
	for i := range v.NumField() {
		at := "demands." + v.Type().Field(i).Tag.Get("yaml")
		switch f := v.Field(i); f.Kind() {
		case reflect.Pointer:
			if !f.IsNil() {
				d.demand(at, f.Elem())
			}
		case reflect.Slice:
			for j := range f.Len() {
				d.demand(fmt.Sprintf("%s[%d]", at, j), f.Index(j))
			}
		}
	}
}

func (d reader) demand(at string, v reflect.Value) {
	d.source(at+".from", v.FieldByName("From").String())
	for i := range v.NumField() {
		f := v.Field(i)
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if f.CanInt() && f.Int() <= 0 && slices.Contains(d.Keys(at), key) {
			d.Fault(at+"."+key, "this is not more than nothing")
		}
	}
	if a, ok := v.Interface().(Accuracy); ok && a.Lowest != nil && a.Highest != nil && *a.Lowest >= *a.Highest {
		d.Fault(at+".highest", "%s is not more than lowest, %s", *a.Highest, *a.Lowest)
	}
	if p, ok := v.Interface().(Probes); ok && (p.Over == 0) != (p.OneMore == 0) {
		d.Fault(at, "over and one_more_per go together")
	}
}

// source checks a reference to a source.
func (d reader) source(at, id string) {
	if id == "" || d.p.Source(id).ID != "" {
		return
	}
	var ids []string
	for _, s := range d.p.Sources {
		ids = append(ids, s.ID)
	}
	d.Fault(at, "there is no source %q, want one of %s", id, strings.Join(ids, ", "))
}
