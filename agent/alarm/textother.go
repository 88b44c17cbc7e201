package alarm

import (
	"fmt"

	"github.com/frostline/frostline/agent"
)

// foundOther says what the rules found that compare no value with a limit; empty for the others.
func (e *Engine) foundOther(i *instance, f Finding) string {
	q := i.quantity()
	switch f.Word {
	case Rises, Falls:
		return fmt.Sprintf("%s %s, %s by %s within %s (more than %s)", e.subject(i), valueText(f, q), moved[f.Word],
			magnitude(f.Other, q), Span(f.For), withUnit(f.Limit.String(), q))
	case FlatLine:
		return fmt.Sprintf("%s %s, not moved for %s: is %s still measuring?", e.subject(i), valueText(f, q), Span(f.For), devices(i))
	case Disagree:
		return fmt.Sprintf("%s: %s for %s", e.subject(i), apart(f, q), Span(f.For))
	case Kinetic:
		return fmt.Sprintf("%s: mean kinetic temperature of %s is %s, limit %s", e.where(i), Span(f.For), valueText(f, q), withUnit(f.Limit.String(), q))
	case Condensation:
		return fmt.Sprintf("%s: surface %s at dew point %s, water condenses", e.where(i), valueText(f, q), magnitude(f.Limit, q))
	case CalibrationDue:
		return fmt.Sprintf("%s: calibration of %s expires on %s", e.where(i), devices(i), f.Text)
	case Cooling:
		return fmt.Sprintf("%s %s, not down to %s within %s", e.subject(i), valueText(f, q), withUnit(f.Limit.String(), q), Span(f.For))
	case TroubleHere:
		return fmt.Sprintf("gateway: %s, for %s", f.Text, Span(f.For))
	}
	return ""
}

func (e *Engine) clearedOther(i *instance, f Finding, after string) string {
	q := i.quantity()
	switch f.Word {
	case Rises, Falls:
		return fmt.Sprintf("%s %s, steady again%s", e.subject(i), valueText(f, q), after)
	case FlatLine:
		return fmt.Sprintf("%s %s, moves again%s", e.subject(i), valueText(f, q), after)
	case Disagree:
		return fmt.Sprintf("%s: the probes agree again%s", e.subject(i), after)
	case Kinetic:
		return fmt.Sprintf("%s: mean kinetic temperature of %s is %s, within its limit again", e.where(i), Span(f.For), valueText(f, q))
	case Condensation:
		return fmt.Sprintf("%s: surface above the dew point again%s", e.where(i), after)
	case CalibrationDue:
		return fmt.Sprintf("%s: %s is calibrated until %s", e.where(i), devices(i), f.Text)
	case Cooling:
		return fmt.Sprintf("%s %s, cooled or heated again%s", e.subject(i), valueText(f, q), after)
	case TroubleHere:
		return fmt.Sprintf("gateway: %s is over%s", f.Text, after)
	}
	return ""
}

var moved = map[Word]string{Rises: "risen", Falls: "fallen"}

// apart is "cr1-a 9 °C and cr1-b 5 °C differ by 4 °C".
func apart(f Finding, q agent.Quantity) string {
	if len(f.Points) != 2 || f.Value == nil || f.Other == nil {
		return "probes differ"
	}
	difference := *f.Value - *f.Other
	return fmt.Sprintf("%s %s and %s %s differ by %s", f.Points[0].Sensor(), magnitude(f.Value, q), f.Points[1].Sensor(), magnitude(f.Other, q), magnitude(&difference, q))
}

func magnitude(v *agent.Value, q agent.Quantity) string {
	if v == nil {
		return "unknown"
	}
	return withUnit(shorten(*v, nil), q)
}
