package alarm

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase/phrasetest"
)

// placeholders are what each sentence must and may name; see phrasetest.Check.
var placeholders = map[string]string{
	"raised": "found goods advice", "cleared": "cleared", "latched": "cleared",
	"acknowledged": "found by why", "re-alarmed": "found by", "suppressed": "found", "unsuppressed": "alarm",
	"shelved": "alarm by shelf why", "unshelved": "alarm meanwhile", "out-of-service": "alarm by why", "in-service": "alarm meanwhile",
	"reset": "alarm", "retired": "key", "over": "", "goes-on": "id",

	"alarm": "key where", "subject": "where quantity", "device": "sensor points", "in": "where", "after": "span", "goods": "items",
	"advice": "text", "meanwhile": "found", "of": "subject title",

	"condition.above": "limit time", "condition.at_or_above": "limit time", "condition.below": "limit time", "condition.at_or_below": "limit time",
	"condition.state": "state time",
	"time.for":        "span", "time.trip": "span", "time.day": "span", "time.within": "span within|window",
	"fault": "word", "fault.none": "",

	"found.value": "subject value condition", "found.state": "subject condition",
	"found.no-data": "where devices span", "found.sensor-fault": "where devices span fault",
	"found.below-minimum": "item in pieces minimum", "found.out-of-stock": "item in",
	"found.unknown-code": "reader code", "found.unknown-codes": "reader count code",
	"found.rises": "subject value change span margin", "found.falls": "subject value change span margin",
	"found.flat-line": "subject value span devices",
	"found.disagree":  "subject high high-value low low-value apart span", "found.disagree-unknown": "subject span",
	"found.kinetic": "where span value limit", "found.condensation": "where value dew", "found.calibration-due": "where devices date",
	"found.cooling": "subject value limit span", "found.trouble": "troubles span",
	"found.forecast": "where limit soonest span value", "found.forecast-now": "where limit value", "cleared.forecast": "subject value limit",

	"cleared.value": "subject value after condition", "cleared.state": "subject value after condition",
	"cleared.no-data": "where devices after", "cleared.sensor-fault": "where devices after",
	"cleared.below-minimum": "item in pieces minimum", "cleared.out-of-stock": "item in",
	"cleared.rises": "subject value after", "cleared.falls": "subject value after", "cleared.flat-line": "subject value after",
	"cleared.disagree": "subject after", "cleared.kinetic": "where span value", "cleared.condensation": "where after",
	"cleared.calibration-due": "where devices date", "cleared.cooling": "subject value after", "cleared.trouble": "troubles after",

	"together.no-data": "bus sensors points span together", "together.sensor-fault": "bus sensors points span fault together",
	"together.calibration-due": "bus sensors points date together",
	"again.no-data":            "bus sensors points after together", "again.sensor-fault": "bus sensors points after together",
	"again.calibration-due": "bus sensors points after together",
}

func TestPhrases(t *testing.T) { phrasetest.Check(t, book, placeholders) }

// What a sentence may name, the engine knows; what the engine can find, every language says.
func TestEveryPlaceholderStandsForSomething(t *testing.T) {
	d := agent.Definition{Point: "a/temperature", Quantity: agent.Temperature, Zone: "z"}
	value := agent.Unit
	e, err := New(Setup{
		Points: []Point{{Definition: d, Every: time.Minute, Bus: "i2c-1"}}, Voices: []agent.Voice{{Language: agent.Chinese}},
		Kinds: []Kind{Define(Facts{Name: "k", Scope: PerPoint}, struct{}{}, func(struct{}) string { return "k" }, func(struct{}, Target) Rule { return &troubleRule{} })},
		Specs: []Spec{{ID: "s", Kind: "k", Severity: agent.SeverityInfo, Advice: "do"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	i := e.instances[0]
	i.items, i.start, i.by, i.why = []agent.ItemID{"goods"}, 1000, "Li Wei", "seen"
	ofSet := map[string]string{"advice": "text", "after": "span", "device": "sensor points", "fault": "word", "of": "subject title", "retired": "key", "goes-on": "id"}
	for _, w := range e.spoken {
		for key, template := range book[w.Voice().Language] {
			x := facts{speech: speech{w, e}, i: i, moment: 5000, f: Finding{
				Word: Disagree, Value: &value, Other: &value, Limit: &value, For: time.Minute, Points: []agent.PointID{"a/t", "b/t"},
				Text: "2027-03-01", Code: "x", Troubles: []Trouble{{Title: "t"}}, Within: "24h", Window: 24 * time.Hour,
			}}
			if ofSet[key] != "" {
				continue
			}
			if text := x.say(key); text == "" || strings.ContainsAny(text, "{}") {
				t.Errorf("%s: %s %q becomes %q", w.Voice().Key(), key, template, text)
			}
		}
		for _, word := range []Word{
			Above, AtOrAbove, Below, AtOrBelow, NoData, SensorFault, BelowMinimum, OutOfStock, UnknownCode, Rises, Falls, FlatLine, Disagree,
			Kinetic, Condensation, CalibrationDue, Cooling, TroubleHere,
		} {
			x := facts{speech: speech{w, e}, i: i, f: Finding{Word: word}}
			if !w.Have(x.foundKey()) || !w.Have(x.clearedKey()) {
				t.Errorf("%s cannot say %s", w.Voice().Key(), word)
			}
			if limits[word] != 0 && !w.Have("condition."+string(word)) {
				t.Errorf("%s has no condition %s", w.Voice().Key(), word)
			}
		}
	}
}

func TestVoicesAreSpokenOnce(t *testing.T) {
	zh := agent.Voice{Language: agent.Chinese, Unit: agent.Celsius}
	e, err := New(Setup{Voices: []agent.Voice{zh, {}, {Language: agent.English, Unit: agent.Celsius}, {Language: agent.Chinese}, {Unit: agent.Fahrenheit}, {Language: "fr"}}})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, w := range e.spoken {
		keys = append(keys, w.Voice().Key())
	}
	if got := strings.Join(keys, " "); got != "en zh en-f" {
		t.Errorf("voices %s", got)
	}
}
