package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/profile"
)

// soundAndLight are the drivers of outputs that people on the spot hear or see.
var soundAndLight = []string{"gpio", "stacklight"}

// profileReports compares the zones that name a profile with it: one of them, or all if
// zone is empty.
func profileReports(cfg *config.Config, zone string) ([]profile.Report, error) {
	site := profile.Site{Keep: config.KeepLasts(cfg, diskSize(cfg.Store.Dir)), Local: soundAndLight, People: cfg}
	if now := clock.NewSystem(buildDate()).Now(); now.Trust != agent.ClockUnset {
		site.Today = now.Wall
	}
	var reports []profile.Report
	var with []string
	for i := range cfg.Zones {
		r, ok := profile.Check(cfg, &cfg.Zones[i], site)
		if ok {
			with = append(with, string(r.Zone))
		}
		if ok && (zone == "" || string(r.Zone) == zone) {
			reports = append(reports, r)
		}
	}
	if len(reports) > 0 || zone == "" {
		return reports, nil
	}
	if slices.ContainsFunc(cfg.Zones, func(z config.Zone) bool { return z.ID == agent.ZoneID(zone) }) {
		return nil, usagef("the zone %s has no profile", zone)
	}
	return nil, usagef("there is no zone %q with a profile; these have one: %s", zone, noneOr(with))
}

func noneOr(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// objections are the demands of profiles that the config does not meet, each at the place
// where the zone names its profile.
func objections(cfg *config.Config, reports []profile.Report) []config.Error {
	list := []config.Error{}
	for _, r := range reports {
		i := slices.IndexFunc(cfg.Zones, func(z config.Zone) bool { return z.ID == r.Zone })
		for _, c := range r.NotMet() {
			text := fmt.Sprintf("%s demands %s: %s", r.Profile, c.Demand, c.Reason)
			if c.Source != nil {
				text += " (" + cited(*c.Source) + ")"
			}
			list = append(list, cfg.Zones[i].Objection("%s", text))
		}
	}
	return list
}

// unmet is what check ends with where a profile's demands are not met.
func unmet(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s of a profile not met", plural(n, "demand"))
}

// renderProfiles prints clause by clause.
func renderProfiles(w io.Writer, reports []profile.Report) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "no zone names a profile")
		return err
	}
	var b strings.Builder
	for i, r := range reports {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s%s: %s, %s\n", r.Zone, inParentheses(r.Name), r.Profile, r.Title)
		for _, l := range r.Limits {
			renderLimit(&b, l)
		}
		for _, c := range r.Clauses {
			fmt.Fprintf(&b, "  %-19s  %-15s %s\n", c.Verdict, c.Demand, c.Reason)
			if c.Source != nil {
				fmt.Fprintf(&b, "  %-19s  %-15s %s\n", "", "", cited(*c.Source))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func renderLimit(w io.Writer, l profile.Watch) {
	rule := l.Rule
	if l.Profile != "" {
		rule += ", tightened from " + l.Profile
	}
	points := "nothing to watch"
	if len(l.Points) > 0 {
		points = "watches " + words(l.Points)
	}
	fmt.Fprintf(w, "  %-19s  %-15s %s: %s\n", "limit", l.Limit, rule, points)
	for _, s := range l.Sources {
		fmt.Fprintf(w, "  %-19s  %-15s %s\n", "", "", cited(s))
	}
}

func words[S ~string](list []S) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}

func inParentheses(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// cited is a source in a line.
func cited(s profile.Source) string {
	if s.Mark == profile.Own {
		return "own choice: " + s.Why
	}
	text := s.Document
	if s.Clause != "" {
		text += ", " + s.Clause
	}
	return text + " [" + string(s.Mark) + "]"
}
