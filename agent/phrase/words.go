package phrase

import (
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// stateKey is where the common table has what a state quantity's 0 or 1 is called.
func stateKey(q agent.Quantity, on bool) string {
	if on {
		return "state." + string(q) + ".1"
	}
	return "state." + string(q) + ".0"
}

// Quantity is what people call what is measured.
func (w Words) Quantity(q agent.Quantity) string { return w.or("quantity."+string(q), string(q)) }

// State is what a value of a state quantity is: open, closed. ok is false for other quantities.
func (w Words) State(q agent.Quantity, on bool) (text string, ok bool) {
	text, ok = w.common[stateKey(q, on)]
	return text, ok
}

// Fault says why there is no value.
func (w Words) Fault(f agent.Fault) string { return w.or("fault."+f.String(), f.String()) }

// Severity is how much an alarm matters.
func (w Words) Severity(s agent.Severity) string { return w.or("severity."+string(s), string(s)) }

// Unknown stands for a value that is not known.
func (w Words) Unknown() string { return w.common["unknown"] }

// or is a word of the common table, or else the word that it would translate.
func (w Words) or(key, word string) string {
	if text, ok := w.common[key]; ok {
		return text
	}
	return word
}

// Value is a value with its unit and at most two decimals, or exact where rounding would put it
// on the limit that it is compared with, which may be nil.
func (w Words) Value(v agent.Value, limit *agent.Value, q agent.Quantity) string {
	unit := q.Unit()
	if w.fahrenheit(q) {
		f, ok := ofFahrenheit(v)
		switch l, fits := ofFahrenheit(orZero(limit)); {
		case !ok || !fits: // too large to be a temperature: it stays in °C
		case limit != nil:
			v, limit, unit = f, &l, "°F"
		default:
			v, unit = f, "°F"
		}
	}
	return withUnit(shorten(v, limit), unit)
}

// Exact is a value with its unit, not rounded: a limit.
func (w Words) Exact(v agent.Value, q agent.Quantity) string {
	unit := q.Unit()
	if f, ok := ofFahrenheit(v); ok && w.fahrenheit(q) {
		v, unit = f, "°F"
	}
	return withUnit(v.String(), unit)
}

// Difference is a difference between two values, with at most two decimals.
func (w Words) Difference(v agent.Value, q agent.Quantity) string {
	v, unit := w.difference(v, q)
	return withUnit(shorten(v, nil), unit)
}

// ExactDifference is a difference between two values, not rounded.
func (w Words) ExactDifference(v agent.Value, q agent.Quantity) string {
	v, unit := w.difference(v, q)
	return withUnit(v.String(), unit)
}

func (w Words) difference(v agent.Value, q agent.Quantity) (agent.Value, string) {
	if w.fahrenheit(q) {
		if f, ok := nineFifths(v); ok {
			return f, "°F"
		}
	}
	return v, q.Unit()
}

func (w Words) fahrenheit(q agent.Quantity) bool {
	return q == agent.Temperature && w.voice.Unit == agent.Fahrenheit
}

// ofFahrenheit is a temperature of °C in °F, to the nearest millionth; exact for up to five
// decimals. ok is false where it does not fit.
func ofFahrenheit(v agent.Value) (f agent.Value, ok bool) {
	f, ok = nineFifths(v)
	return f + 32*agent.Unit, ok
}

// nineFifths is a difference of °C in °F.
func nineFifths(v agent.Value) (f agent.Value, ok bool) {
	const most = agent.Value(1) << 62 / 9
	if v < -most || v > most {
		return 0, false
	}
	half := agent.Value(2) // of 5, rounded down: a remainder is never half of 5
	if v < 0 {
		half = -half
	}
	return (9*v + half) / 5, true
}

func orZero(v *agent.Value) agent.Value {
	if v == nil {
		return 0
	}
	return *v
}

func withUnit(number, unit string) string {
	if unit == "" {
		return number
	}
	return number + " " + unit
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

// units of time, the largest first.
var units = []struct {
	size time.Duration
	key  string
}{{24 * time.Hour, "time.d"}, {time.Hour, "time.h"}, {time.Minute, "time.min"}, {time.Second, "time.s"}}

// Span is a duration: 45 s, 5 min, 1 h 30 min, 2 d.
func (w Words) Span(d time.Duration) string { return w.span(d, 24*time.Hour) }

// Window is the length of a rolling window: one of 24 h is not a day, which begins at midnight.
func (w Words) Window(d time.Duration) string {
	if d < 48*time.Hour {
		return w.span(d, time.Hour)
	}
	return w.Span(d)
}

// span writes a duration in at most two units, none larger than that.
func (w Words) span(d, largest time.Duration) string {
	if d < time.Second {
		return w.time("time.ms", d.Milliseconds())
	}
	parts := make([]string, 0, 2)
	for _, u := range units {
		if n := d / u.size; n > 0 && u.size <= largest && len(parts) < 2 {
			parts = append(parts, w.time(u.key, int64(n)))
			d -= n * u.size
		}
	}
	return strings.Join(parts, " ")
}

func (w Words) time(key string, n int64) string {
	return w.fill(w.common[key], Set{"n": strconv.FormatInt(n, 10)}.Word)
}

// List names at most that many: "a, b and 3 more".
func (w Words) List(names []string, most int) string {
	more := len(names) - most
	if more <= 0 {
		return strings.Join(names, w.common["list.comma"])
	}
	return w.fill(w.common["list.more"], Set{
		"names": strings.Join(names[:most], w.common["list.comma"]), "more": strconv.Itoa(more), "all": strconv.Itoa(len(names)),
	}.Word)
}
