package alarm

import "github.com/frostline/frostline/agent/phrase"

// english has every sentence of the engine. What stands for a placeholder is the same in every
// language; the methods of facts make it.
var english = phrase.Table{
	// Transitions.
	"raised":         "{found}{goods}{advice}",
	"cleared":        "{cleared}",
	"latched":        "{cleared}. It stays until somebody resets it",
	"acknowledged":   "{found}: acknowledged by {by}: {why}",
	"re-alarmed":     "{found}; still so, acknowledged by {by}",
	"suppressed":     "{found}; suppressed by design",
	"unsuppressed":   "{alarm}: suppressed no longer",
	"shelved":        "{alarm}: shelved by {by} for {shelf}: {why}",
	"unshelved":      "{alarm}: shelved no longer{meanwhile}",
	"out-of-service": "{alarm}: taken out of service by {by}: {why}",
	"in-service":     "{alarm}: in service again{meanwhile}",
	"reset":          "{alarm}: reset",
	"retired":        "alarm {key} is no longer in the config",

	// Parts of sentences.
	"alarm":     "alarm {key} ({where})",
	"subject":   "{where} {quantity}",
	"device":    "{sensor} ({points})",
	"in":        " in {where}",
	"after":     " after {span}",
	"goods":     "; goods there: {items}",
	"advice":    ". {text}",
	"meanwhile": "; {found}",
	"of":        "{subject}: {title}",

	"condition.above":       "above {limit}{time}",
	"condition.at_or_above": "at or above {limit}{time}",
	"condition.below":       "below {limit}{time}",
	"condition.at_or_below": "at or below {limit}{time}",
	"condition.state":       "{state}{time}",
	"time.for":              " for {span}",
	"time.trip":             " for {span} of this trip in all",
	"time.day":              " for {span} of this day in all",
	"time.within":           " for {span} in all within {window}",
	"fault":                 "fault: {word}",
	"fault.none":            "fault",

	// What the rules found.
	"found.value":            "{subject} {value}, {condition}",
	"found.state":            "{subject} {condition}",
	"found.no-data":          "{where}: no data from {devices} for {span}",
	"found.sensor-fault":     "{where}: no value from {devices} for {span} ({fault})",
	"found.below-minimum":    "{item}: {pieces} left{in}, minimum {minimum}",
	"found.out-of-stock":     "{item}: out of stock{in}",
	"found.unknown-code":     "{reader} read an unknown code, {code}",
	"found.unknown-codes":    "{reader} read {count} unknown codes, the last {code}",
	"found.rises":            "{subject} {value}, risen by {change} within {span} (more than {margin})",
	"found.falls":            "{subject} {value}, fallen by {change} within {span} (more than {margin})",
	"found.flat-line":        "{subject} {value}, not moved for {span}: is {devices} still measuring?",
	"found.disagree":         "{subject}: {high} {high-value} and {low} {low-value} differ by {apart} for {span}",
	"found.disagree-unknown": "{subject}: probes differ for {span}",
	"found.kinetic":          "{where}: mean kinetic temperature of {span} is {value}, limit {limit}",
	"found.condensation":     "{where}: surface {value} at dew point {dew}, water condenses",
	"found.calibration-due":  "{where}: calibration of {devices} expires on {date}",
	"found.cooling":          "{subject} {value}, not down to {limit} within {span}",
	"found.trouble":          "gateway: {troubles}, for {span}",

	// That it returned.
	"cleared.value":           "{subject} {value}, returned{after} ({condition})",
	"cleared.no-data":         "{where}: data from {devices} again{after}",
	"cleared.sensor-fault":    "{where}: values from {devices} again{after}",
	"cleared.below-minimum":   "{item}: {pieces} there{in}, minimum {minimum}",
	"cleared.out-of-stock":    "{item}: in stock again{in}",
	"cleared.rises":           "{subject} {value}, steady again{after}",
	"cleared.falls":           "{subject} {value}, steady again{after}",
	"cleared.flat-line":       "{subject} {value}, moves again{after}",
	"cleared.disagree":        "{subject}: the probes agree again{after}",
	"cleared.kinetic":         "{where}: mean kinetic temperature of {span} is {value}, within its limit again",
	"cleared.condensation":    "{where}: surface above the dew point again{after}",
	"cleared.calibration-due": "{where}: {devices} is calibrated until {date}",
	"cleared.cooling":         "{subject} {value}, cooled or heated again{after}",
	"cleared.trouble":         "gateway: {troubles} is over{after}",

	// One message for several devices that share their cause: found, and that they returned.
	"together.no-data":         "{bus}: no data from {sensors} sensors ({points} points) for {span}: {together}",
	"together.sensor-fault":    "{bus}: no value from {sensors} sensors ({points} points) for {span} ({fault}): {together}",
	"together.calibration-due": "{bus}: calibration of {sensors} sensors ({points} points) expires, first on {date}: {together}",
	"again.no-data":            "{bus}: data from {sensors} sensors ({points} points) again{after}: {together}",
	"again.sensor-fault":       "{bus}: values from {sensors} sensors ({points} points) again{after}: {together}",
	"again.calibration-due":    "{bus}: {sensors} sensors ({points} points) are calibrated again{after}: {together}",
}
