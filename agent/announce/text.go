package announce

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
)

// Text is what people read of a notice: the sentence about its transition or its summary.
// Empty for a notice that has neither.
func (n Notice) Text() string {
	switch {
	case n.Summary != nil:
		return n.Summary.text()
	case n.Event != nil:
		return n.Event.Message
	}
	return ""
}

// Title says in a few words what Text is about: for the subject of a mail.
func (n Notice) Title() string {
	switch {
	case n.Summary != nil:
		return fmt.Sprintf("alarm flood: %d more", n.Summary.Count())
	case n.Event == nil:
		return ""
	}
	word := strings.ReplaceAll(string(n.Event.Transition), "-", " ")
	place := cmp.Or(n.ZoneName, string(n.Event.Zone), string(n.Event.Point), string(n.Event.Item))
	title := fmt.Sprintf("%s alarm %s: %s", n.Event.Severity, word, place)
	if place == "" {
		title = fmt.Sprintf("%s alarm %s: %s", n.Event.Severity, word, n.Event.Alarm)
	}
	return title
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
	if n.Event.Transition == agent.Raised || n.At.Wall.IsZero() {
		return key
	}
	return key + "/" + strconv.FormatInt(n.At.Wall.UnixMilli(), 10) // an alarm may be re-alarmed often
}

// namedZones is how many zones a summary's text names.
const namedZones = 3

func (s *Summary) text() string {
	var b strings.Builder
	since := ""
	if !s.Since.IsZero() {
		since = " since " + s.Since.Format("15:04")
	}
	raised := s.Count() - s.Other
	switch {
	case raised == 0:
		fmt.Fprintf(&b, "%d more alarm changes%s, none of them a new alarm", s.Other, since)
		return b.String()
	case raised == 1:
		fmt.Fprintf(&b, "1 more alarm%s: ", since)
	default:
		fmt.Fprintf(&b, "%d more alarms%s: ", raised, since)
	}
	var parts []string
	for _, severity := range slices.Backward(agent.Severities()) {
		if n := s.Raised[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	b.WriteString(strings.Join(parts, ", "))
	if places := s.places(); places != "" {
		b.WriteString(" (" + places + ")")
	}
	if s.Other > 0 {
		fmt.Fprintf(&b, "; %d other changes", s.Other)
	}
	return b.String()
}

// places names the zones with most of what was raised.
func (s *Summary) places() string {
	zones := slices.SortedFunc(maps.Keys(s.Zones), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Zones[b], s.Zones[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, z := range zones[:min(len(zones), namedZones)] {
		parts = append(parts, fmt.Sprintf("%s %d", z, s.Zones[z]))
	}
	if more := len(zones) - namedZones; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more zones", more))
	}
	return strings.Join(parts, ", ")
}

// Letter is Title, Text, and where and when it was, each on its own line: what a chat or a mail
// shows. The time is that of zone; a notice of an unset clock has none.
func (n Notice) Letter(zone *time.Location) string {
	origin := string(n.Site) + " / " + string(n.Gateway)
	if wall := n.At.Wall; !wall.IsZero() {
		if zone == nil {
			zone = time.UTC
		}
		origin += ", " + wall.In(zone).Format("2006-01-02 15:04:05 -07:00")
	}
	return n.Title() + "\n" + n.Text() + "\n" + origin
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
