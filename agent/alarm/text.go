package alarm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// All texts that people read are made in this file, in English.

// maxNamed is how many goods a message names; the event lists them all.
const maxNamed = 5

// message says what happened to an alarm: where, what, for how long, what is there, and
// what to do.
func (e *Engine) message(i *instance, f Finding, t agent.Transition, moment Line) string {
	var b strings.Builder
	switch t {
	case agent.Cleared:
		b.WriteString(e.cleared(i, f, moment))
	case agent.Latched:
		b.WriteString(e.cleared(i, f, moment) + ". It stays until somebody resets it")
	case agent.Shelved, agent.Unshelved, agent.OutOfService, agent.InService, agent.Reset, agent.Suppressed, agent.Unsuppressed:
		b.WriteString(e.laid(i, f, t, moment))
	case agent.ReAlarmed:
		b.WriteString(e.found(i, f) + "; still so, acknowledged by " + i.by)
	case agent.Acknowledged:
		fmt.Fprintf(&b, "%s: acknowledged by %s: %s", e.found(i, f), i.by, i.why)
	default:
		b.WriteString(e.found(i, f))
		if len(i.items) > 0 {
			b.WriteString("; goods there: " + e.goods(i.items))
		}
	}
	if advice := i.spec.Advice; advice != "" && t == agent.Raised {
		b.WriteString(". " + advice)
	}
	return b.String()
}

// found says what a rule found.
func (e *Engine) found(i *instance, f Finding) string {
	if all := e.together(i); len(all) > 1 && i.cause == i.id {
		return e.foundTogether(all, f)
	}
	switch f.Word {
	case NoData:
		return fmt.Sprintf("%s: no data from %s for %s", e.where(i), devices(i), Span(f.For))
	case SensorFault:
		return fmt.Sprintf("%s: no value from %s for %s (%s)", e.where(i), devices(i), Span(f.For), faultText(f.Fault))
	case BelowMinimum:
		return fmt.Sprintf("%s: %s left%s, minimum %s", e.itemName(i.item), f.Value, e.inZone(i), f.Limit)
	case OutOfStock:
		return fmt.Sprintf("%s: out of stock%s", e.itemName(i.item), e.inZone(i))
	case UnknownCode:
		return unknownText(i, f)
	}
	if text := e.foundOther(i, f); text != "" {
		return text
	}
	q := i.quantity()
	if v, c := valueText(f, q), conditionText(f, q); !strings.HasPrefix(c, v) {
		return fmt.Sprintf("%s %s, %s", e.subject(i), v, c)
	}
	return e.subject(i) + " " + conditionText(f, q) // door open for 5 min
}

// cleared says that an alarm returned at that moment, which is 0 where it is not known.
func (e *Engine) cleared(i *instance, f Finding, moment Line) string {
	after := ""
	if i.start != 0 && moment != 0 {
		after = " after " + Span((moment - i.start).Duration().Round(time.Second))
	}
	if all := e.together(i); len(all) > 1 && !e.quiet(i, agent.Cleared) {
		return e.clearedTogether(all, f, after)
	}
	switch f.Word {
	case NoData:
		return fmt.Sprintf("%s: data from %s again%s", e.where(i), devices(i), after)
	case SensorFault:
		return fmt.Sprintf("%s: values from %s again%s", e.where(i), devices(i), after)
	case BelowMinimum:
		return fmt.Sprintf("%s: %s there%s, minimum %s", e.itemName(i.item), f.Value, e.inZone(i), f.Limit)
	case OutOfStock:
		return fmt.Sprintf("%s: in stock again%s", e.itemName(i.item), e.inZone(i))
	case UnknownCode:
		return unknownText(i, f)
	}
	if text := e.clearedOther(i, f, after); text != "" {
		return text
	}
	return fmt.Sprintf("%s %s, returned%s (%s)", e.subject(i), valueText(f, i.quantity()), after, conditionText(f, i.quantity()))
}

// overlaid is the transition that led to a state which a person laid over an alarm.
var overlaid = map[agent.AlarmState]agent.Transition{
	agent.StateShelved:      agent.Shelved,
	agent.StateOutOfService: agent.OutOfService,
}

// laid says what a person or a suppression did to an alarm.
func (e *Engine) laid(i *instance, f Finding, t agent.Transition, moment Line) string {
	name := fmt.Sprintf("alarm %s (%s)", i.key, e.where(i))
	switch t {
	case agent.Shelved:
		return fmt.Sprintf("%s: shelved by %s for %s: %s", name, i.over.By, Span((i.over.Until - moment).Duration()), i.over.Why)
	case agent.Unshelved:
		return name + ": shelved no longer" + e.meanwhile(i, f)
	case agent.OutOfService:
		return fmt.Sprintf("%s: taken out of service by %s: %s", name, i.over.By, i.over.Why)
	case agent.InService:
		return name + ": in service again" + e.meanwhile(i, f)
	case agent.Reset:
		return name + ": reset"
	case agent.Suppressed:
		return e.found(i, f) + "; suppressed by design"
	}
	return name + ": suppressed no longer"
}

// meanwhile is how an alarm stands from which a person's overlay was taken.
func (e *Engine) meanwhile(i *instance, f Finding) string {
	if i.active == 0 {
		return ""
	}
	return "; " + e.found(i, f)
}

// foundTogether is the one message of several devices that failed by one cause.
func (e *Engine) foundTogether(all []*instance, f Finding) string {
	what := "no data"
	if f.Word == SensorFault {
		what = "no value"
	}
	text := fmt.Sprintf("%s: %s from %s for %s", all[0].bus, what, countDevices(all), Span(f.For))
	if f.Word == SensorFault {
		text += " (" + faultText(f.Fault) + ")"
	}
	return text + ": " + list(deviceNames(all), 2*maxNamed)
}

func (e *Engine) clearedTogether(all []*instance, f Finding, after string) string {
	what := "data"
	if f.Word == SensorFault {
		what = "values"
	}
	return fmt.Sprintf("%s: %s from %s again%s: %s", all[0].bus, what, countDevices(all), after, list(deviceNames(all), 2*maxNamed))
}

// countDevices is "12 sensors (40 points)".
func countDevices(all []*instance) string {
	points := 0
	for _, i := range all {
		points += len(i.watches)
	}
	return fmt.Sprintf("%d sensors (%d points)", len(all), points)
}

func deviceNames(all []*instance) []string {
	names := make([]string, len(all))
	for n, i := range all {
		names[n] = string(i.watches[0].target.Point.Point.Sensor())
	}
	return names
}

// where is the name of the zone; of the device, if it stands in none.
func (e *Engine) where(i *instance) string {
	if name := e.setup.Names.Zones[i.zone]; name != "" {
		return name
	}
	if i.zone != "" {
		return string(i.zone)
	}
	return devices(i)
}

// subject is where and what is measured: "Vaccine cold room temperature".
func (e *Engine) subject(i *instance) string {
	q := i.quantity()
	if words := quantityWords[q]; words != "" {
		return e.where(i) + " " + words
	}
	return e.where(i) + " " + string(q)
}

func (i *instance) quantity() agent.Quantity { return i.first().target.Point.Quantity }

// devices is the sensor and those of its points that are affected: "cr1-air (temperature, humidity)".
func devices(i *instance) string {
	ws := i.affected()
	if len(ws) == 0 {
		ws = i.watches
	}
	sensor := ws[0].target.Point.Point.Sensor()
	names := make([]string, 0, len(ws))
	for _, w := range ws {
		names = append(names, strings.TrimPrefix(string(w.target.Point.Point), string(sensor)+"/"))
	}
	return fmt.Sprintf("%s (%s)", sensor, list(names, 2*maxNamed))
}

// list names at most that many: "a, b and 3 more".
func list(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (e *Engine) goods(items []agent.ItemID) string {
	names := make([]string, 0, len(items))
	for _, it := range items {
		names = append(names, e.itemName(it))
	}
	return list(names, maxNamed)
}

func (e *Engine) itemName(id agent.ItemID) string {
	if name := e.setup.Names.Items[id]; name != "" {
		return name
	}
	return string(id)
}

// inZone is " in <zone>" for stock that is watched in one zone.
func (e *Engine) inZone(i *instance) string {
	if i.zone == "" {
		return ""
	}
	return " in " + e.where(i)
}

func unknownText(i *instance, f Finding) string {
	reader := i.first().target.Reader
	if f.Count > 1 {
		return fmt.Sprintf("%s read %d unknown codes, the last %q", reader, f.Count, f.Code)
	}
	return fmt.Sprintf("%s read an unknown code, %q", reader, f.Code)
}

func retiredText(key string) string { return "alarm " + key + " is no longer in the config" }

func faultText(f agent.Fault) string {
	if f == agent.FaultNone {
		return "fault"
	}
	return "fault: " + f.String()
}

func valueText(f Finding, q agent.Quantity) string {
	if f.Value == nil {
		return "unknown"
	}
	if words, ok := stateWords[q]; ok {
		return words[*f.Value != 0]
	}
	return withUnit(shorten(*f.Value, f.Limit), q)
}

// stateWords say what 0 and 1 are.
var stateWords = map[agent.Quantity]map[bool]string{
	agent.Door:    {false: "closed", true: "open"},
	agent.PowerOK: {false: "off", true: "on"},
	agent.Contact: {false: "open", true: "closed"},
}

// quantityWords stand for quantities whose word in the config is not what people say.
var quantityWords = map[agent.Quantity]string{agent.PowerOK: "mains power", agent.CO2: "CO₂"}

// limitWords say which side of a limit is outside.
var limitWords = map[Word]string{Above: "above", AtOrAbove: "at or above", Below: "below", AtOrBelow: "at or below"}

// conditionText is "above 8 °C for 5 min", or "open for 5 min" where the value is a state.
func conditionText(f Finding, q agent.Quantity) string {
	word := limitWords[f.Word]
	switch states, ok := stateWords[q]; {
	case ok:
		word = states[f.Word == Above || f.Word == AtOrAbove]
	case f.Limit != nil:
		word += " " + withUnit(f.Limit.String(), q)
	}
	return word + timeText(f)
}

// timeText is " for 5 min": how long it had to last.
func timeText(f Finding) string {
	switch {
	case f.Total && f.Within == "trip":
		return " for " + Span(f.For) + " of this trip in all"
	case f.Total && f.Within == "day":
		return " for " + Span(f.For) + " of this day in all"
	case f.Total:
		return " for " + Span(f.For) + " in all within " + f.Within
	case f.For > 0:
		return " for " + Span(f.For)
	}
	return ""
}

func withUnit(number string, q agent.Quantity) string {
	if unit := q.Unit(); unit != "" {
		return number + " " + unit
	}
	return number
}

// shorten writes a value with at most two decimals, or exactly where rounding would put it
// on the limit.
func shorten(v agent.Value, limit *agent.Value) string {
	const step = agent.Unit / 100
	half := step / 2
	if v < 0 {
		half = -half
	}
	rounded := (v + half) / step * step
	if limit != nil && rounded == *limit {
		return v.String()
	}
	return rounded.String()
}

// Span writes a duration for people: 45 s, 5 min, 1 h 30 min, 2 d.
func Span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	parts := make([]string, 0, 2)
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.size
		}
	}
	return strings.Join(slices.Clip(parts[:min(len(parts), 2)]), " ")
}

// Short writes a duration as the config does: 5m, not 5m0s; 30d, not 720h.
func Short(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
