package alarm

import (
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// All texts that people read are made here. english.go and chinese.go have the sentences with
// placeholders, one for each transition and each finding; facts has what stands for the
// placeholders.

var book = phrase.Book{agent.English: english, agent.Chinese: chinese}

// maxNamed is how many goods a message names; the event lists them all.
const maxNamed = 5

// speech puts what the engine found into the words of one voice.
type speech struct {
	phrase.Words
	e *Engine
}

// spoken are the words of the voices in which an engine tells what happens, English with °C first.
func spoken(voices []agent.Voice) []phrase.Words {
	var all []phrase.Words
	known := map[string]bool{}
	for _, v := range append([]agent.Voice{{}}, voices...) {
		if w := book.In(v); !known[w.Voice().Key()] {
			known[w.Voice().Key()] = true
			all = append(all, w)
		}
	}
	return all
}

// tell says one thing in every voice: what AlarmEvent has as its Message and its Texts.
func (e *Engine) tell(say func(s speech) string) (message string, texts map[string]string) {
	message = say(speech{e.spoken[0], e})
	if more := e.spoken[1:]; len(more) > 0 {
		texts = make(map[string]string, len(more))
		for _, w := range more {
			texts[w.Voice().Key()] = say(speech{w, e})
		}
	}
	return message, texts
}

// message says what happened to an alarm: where, what, for how long, what is there, and
// what to do.
func (s speech) message(i *instance, f Finding, t agent.Transition, moment Line) string {
	return facts{speech: s, i: i, f: f, t: t, moment: moment}.say(string(t))
}

// overlaid is the transition that led to a state which a person laid over an alarm.
var overlaid = map[agent.AlarmState]agent.Transition{
	agent.StateShelved:      agent.Shelved,
	agent.StateOutOfService: agent.OutOfService,
}

// retired says that an alarm is no longer in the config.
func (s speech) retired(key string) string { return s.Say("retired", phrase.Set{"key": key}.Word) }

// Superseded is what is told, as a Message and Texts, of an occurrence that was raised while the
// store could not be read, and that the records do not bear out: it is over, or goes on as another.
func (e *Engine) Superseded(by agent.AlarmEventID) (message string, texts map[string]string) {
	key := "over"
	if by != "" {
		key = "goes-on"
	}
	return e.tell(func(s speech) string { return s.Say(key, phrase.Set{"id": string(by)}.Word) })
}

// facts are what a sentence about an alarm may name.
type facts struct {
	speech
	i      *instance
	f      Finding
	t      agent.Transition
	moment Line // of the transition; 0 where it is not known
}

func (x facts) say(key string) string { return x.Say(key, x.word) }

// word is what stands for a placeholder. english.go says what each of them is.
func (x facts) word(name string) (string, bool) {
	for _, of := range []func(facts, string) (string, bool){facts.placed, facts.found, facts.measured, facts.lasted, facts.counted} {
		if text, ok := of(x, name); ok {
			return text, true
		}
	}
	return "", false
}

// placed has the words about the alarm, and what happened to it.
func (x facts) placed(name string) (string, bool) {
	i := x.i
	switch name {
	case "key":
		return i.key, true
	case "alarm":
		return x.say("alarm"), true
	case "where":
		return x.where(), true
	case "in":
		if i.zone == "" {
			return "", true // stock that is watched everywhere together
		}
		return x.say("in"), true
	case "item":
		return x.itemName(i.item), true
	case "reader":
		return string(i.first().target.Reader), true
	case "by":
		if x.overlays() {
			return i.over.By, true
		}
		return i.by, true
	case "why":
		if x.overlays() {
			return i.over.Why, true
		}
		return i.why, true
	case "goods":
		if len(i.items) == 0 {
			return "", true
		}
		return x.say("goods"), true
	case "items":
		return x.items(i.items), true
	case "advice":
		if i.spec.Advice == "" {
			return "", true
		}
		return x.Say("advice", phrase.Set{"text": i.spec.Advice}.Word), true
	}
	return "", false
}

// overlays reports whether a person laid something over the alarm.
func (x facts) overlays() bool { return x.t == agent.Shelved || x.t == agent.OutOfService }

// found has the parts of a sentence that are sentences themselves.
func (x facts) found(name string) (string, bool) {
	switch name {
	case "found":
		return x.say(x.foundKey()), true
	case "cleared":
		return x.say(x.clearedKey()), true
	case "meanwhile": // how an alarm stands from which a person's overlay was taken
		if x.i.active == 0 {
			return "", true
		}
		return x.say("meanwhile"), true
	}
	return "", false
}

// foundKey names the sentence about what a rule found.
func (x facts) foundKey() string {
	if key := "together." + string(x.f.Word); x.Have(key) && x.i.cause == x.i.id && len(x.e.together(x.i)) > 1 {
		return key
	}
	switch word := x.f.Word; {
	case limits[word] != 0 && x.asFound():
		return "found.state"
	case limits[word] != 0:
		return "found.value"
	case word == UnknownCode && x.f.Count > 1:
		return "found.unknown-codes"
	case word == Forecast && x.f.For == 0:
		return "found.forecast-now"
	case word == Disagree && !x.both():
		return "found.disagree-unknown"
	default:
		return "found." + string(word)
	}
}

// clearedKey names the sentence that says that an alarm returned.
func (x facts) clearedKey() string {
	if key := "again." + string(x.f.Word); x.Have(key) && len(x.e.together(x.i)) > 1 && !x.e.quiet(x.i, agent.Cleared) {
		return key
	}
	switch word := x.f.Word; {
	case limits[word] != 0 && x.state() && x.f.Value != nil:
		return "cleared.state"
	case limits[word] != 0:
		return "cleared.value"
	case word == UnknownCode:
		return x.foundKey()
	default:
		return "cleared." + string(word)
	}
}

// where is the name of the zone; of the device, if it stands in none.
func (x facts) where() string {
	if name := x.e.setup.Names.Zones[x.i.zone]; name != "" {
		return name
	}
	if x.i.zone != "" {
		return string(x.i.zone)
	}
	return x.devices()
}

func (i *instance) quantity() agent.Quantity { return i.first().target.Point.Quantity }

// devices is the sensor and those of its points that are affected: "cr1-air (temperature, humidity)".
func (x facts) devices() string {
	ws := x.i.affected()
	if len(ws) == 0 {
		ws = x.i.watches
	}
	sensor := ws[0].target.Point.Point.Sensor()
	names := make([]string, 0, len(ws))
	for _, w := range ws {
		name := strings.TrimPrefix(string(w.target.Point.Point), string(sensor)+"/")
		if name == string(w.target.Point.Quantity) && x.Voice().Language != agent.English {
			name = x.Quantity(w.target.Point.Quantity)
		}
		names = append(names, name)
	}
	return x.Say("device", phrase.Set{"sensor": string(sensor), "points": x.List(names, 2*maxNamed)}.Word)
}

// together names the devices of all alarms that this one speaks for.
func (x facts) together() string {
	var names []string
	for _, i := range x.e.together(x.i) {
		names = append(names, string(i.watches[0].target.Point.Point.Sensor()))
	}
	return x.List(names, 2*maxNamed)
}

func (x facts) items(items []agent.ItemID) string {
	names := make([]string, 0, len(items))
	for _, it := range items {
		names = append(names, x.itemName(it))
	}
	return x.List(names, maxNamed)
}

func (x facts) itemName(id agent.ItemID) string {
	if name := x.e.setup.Names.Items[id]; name != "" {
		return name
	}
	return string(id)
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
