package announce

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// Text is what people of that voice read of a notice: the sentence about its transition or its
// summary. Empty for a notice that has neither.
func (n Notice) Text(v agent.Voice) string {
	switch {
	case n.Summary != nil:
		return summary{n.Summary, book.In(v)}.text()
	case n.Event != nil:
		return n.climbed(n.Event.In(v), book.In(v))
	}
	return ""
}

// climbed is what people read of a level: what stands there, for how long nobody acknowledged it,
// and what to do.
func (n Notice) climbed(text string, w phrase.Words) string {
	word := func(name string) (string, bool) {
		return phrase.Set{"text": text, "level": strconv.Itoa(n.Level), "waited": w.Span(n.Waited), "advice": n.Advice}.Word(name)
	}
	if !ended[n.Event.Transition] && n.Waited >= time.Minute {
		text = w.Say("level", word)
	}
	if n.Advice != "" {
		text = w.Say("level.advice", word)
	}
	if n.Late {
		text = w.Say("level.late", word)
	}
	if n.Drill {
		text = w.Say("drill", word)
	}
	return text
}

// Title says in a few words what Text is about: for the subject of a mail.
func (n Notice) Title(v agent.Voice) string {
	w := book.In(v)
	switch {
	case n.Summary != nil:
		return w.Say("title.flood", phrase.Set{"count": strconv.Itoa(n.Summary.Count())}.Word)
	case n.Event == nil:
		return ""
	}
	e := n.Event
	key := "title"
	if n.Drill {
		key = "title.drill"
	}
	return w.Say(key, phrase.Set{
		"severity": w.Severity(e.Severity), "transition": w.Say("transition."+string(e.Transition), nil),
		"place": cmp.Or(n.ZoneName, string(e.Zone), string(e.Point), string(e.Item), string(e.Alarm)),
	}.Word)
}

// Severity is how much a notice matters; empty if it has neither event nor summary.
func (n Notice) Severity() agent.Severity {
	switch {
	case n.Summary != nil:
		return n.Summary.Worst()
	case n.Event != nil:
		return n.Event.Severity
	}
	return ""
}

// Key names a notice's transition or summary once and for all: a receiver that gets one key
// twice has it already.
func (n Notice) Key() string {
	switch {
	case n.Summary != nil:
		return n.Summary.Key
	case n.Event == nil:
		return ""
	}
	key := string(n.Event.ID) + "/" + string(n.Event.Transition)
	if n.Level > 0 {
		key += "/level-" + strconv.Itoa(n.Level)
	}
	if n.Event.Transition == agent.Raised || n.At.Wall.IsZero() {
		return key
	}
	return key + "/" + strconv.FormatInt(n.At.Wall.UnixMilli(), 10) // an alarm may be re-alarmed often
}

// namedZones is how many zones a summary's text names.
const namedZones = 3

// summary is a summary in the words of one voice.
type summary struct {
	*Summary
	phrase.Words
}

func (s summary) text() string {
	switch s.Count() - s.Other {
	case 0:
		return s.Say("flood.none", s.word)
	case 1:
		return s.Say("flood.one", s.word)
	}
	return s.Say("flood.several", s.word)
}

// word is what stands for a placeholder.
func (s summary) word(name string) (string, bool) {
	switch name {
	case "raised":
		return strconv.Itoa(s.Count() - s.Other), true
	case "other":
		return strconv.Itoa(s.Other), true
	case "time":
		return s.Since.Format("15:04"), true
	case "since":
		return s.part("flood.since", !s.Since.IsZero()), true
	case "changes":
		return s.part("flood.changes", s.Other > 0), true
	case "places":
		return s.part("flood.places", len(s.Zones) > 0), true
	case "severities":
		return s.severities(), true
	case "zones":
		return s.zones(), true
	}
	return "", false
}

// part is a part of the sentence that may be left out.
func (s summary) part(key string, there bool) string {
	if !there {
		return ""
	}
	return s.Say(key, s.word)
}

func (s summary) severities() string {
	var parts []string
	for _, severity := range slices.Backward(agent.Severities()) {
		if n := s.Raised[severity]; n > 0 {
			parts = append(parts, s.Say("flood.severity", phrase.Set{"count": strconv.Itoa(n), "severity": s.Words.Severity(severity)}.Word))
		}
	}
	return s.List(parts, len(parts))
}

// zones names the zones with most of what was raised.
func (s summary) zones() string {
	zones := slices.SortedFunc(maps.Keys(s.Zones), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Zones[b], s.Zones[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, z := range zones[:min(len(zones), namedZones)] {
		parts = append(parts, s.Say("flood.zone", phrase.Set{"zone": z, "count": strconv.Itoa(s.Zones[z])}.Word))
	}
	if more := len(zones) - namedZones; more > 0 {
		parts = append(parts, s.Say("flood.zones-more", phrase.Set{"count": strconv.Itoa(more)}.Word))
	}
	return s.List(parts, len(parts))
}

// Letter is Title, Text, and where and when it was, each on its own line: what a chat or a mail
// shows. The time is that of zone; a notice of an unset clock has none.
func (n Notice) Letter(v agent.Voice, zone *time.Location) string {
	origin := string(n.Site) + " / " + string(n.Gateway)
	if wall := n.At.Wall; !wall.IsZero() {
		if zone == nil {
			zone = time.UTC
		}
		origin += ", " + wall.In(zone).Format("2006-01-02 15:04:05 -07:00")
	}
	return n.Title(v) + "\n" + n.Text(v) + "\n" + origin
}

// Clip cuts s to at most that many bytes, at the boundary of a character, and marks the cut.
func Clip(s string, most int) string {
	const mark = "…"
	if len(s) <= most {
		return s
	}
	cut := max(0, most-len(mark))
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + mark
}
