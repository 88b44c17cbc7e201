package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/escalate"
)

// people checks who hears of alarms and when: the sections people, escalation and mute.
func (k checker) people(zones register) {
	c := peopleChecker{k, zones}
	c.persons()
	if e, n := k.c.Escalation, k.root.child("escalation"); e != nil && n != nil && n.kind == mapNode {
		c.rotas(n)
		c.shifts(n.child("quiet"), e.Quiet)
		c.levels(n.near("levels"))
		if c.read("people", "escalation", "outputs", "zones") {
			if escalate.Always(shiftsOf(e.Quiet)) {
				c.at(n.near("quiet"), "quiet hours that never end would swallow warnings")
			}
			c.reachable(n)
			c.holes(n)
			c.enough(n)
		}
	}
	c.recipients()
	c.mute()
}

// read reports whether sections could be read and have no errors: what follows from a part that
// could not be read would be no news.
func (c peopleChecker) read(sections ...string) bool {
	return !slices.ContainsFunc(c.errors, func(e Error) bool {
		return slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(e.Path, s) })
	})
}

// peopleChecker checks who hears of alarms.
type peopleChecker struct {
	checker
	zones register
}

// number is E.164: a country code and at most 15 digits in all.
var number = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)

func (c peopleChecker) persons() {
	ids, names, badges := register{}, map[string]pos{}, map[string]pos{}
	list := c.root.child("people")
	for i := range c.c.People {
		p, n := &c.c.People[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		c.add(ids, n, p.ID)
		if slices.Contains(roles(), p.ID) {
			c.at(n.near("id"), "%s is a role: a person needs another id", p.ID)
		}
		if p.ID != "" && slices.ContainsFunc(c.c.Outputs, func(o Output) bool { return o.ID == p.ID }) {
			c.at(n.near("id"), "%s is an output: a person needs another id", p.ID)
		}
		c.once(names, n.child("name"), "name", strings.ToLower(p.Name))
		c.once(badges, n.child("badge"), "badge", strings.ToLower(p.Badge))
		c.addresses(p, n)
		if at := n.child("rota"); at != nil && at.kind == scalarNode && !slices.Contains(c.rotaIDs(), p.Rota) {
			c.at(at, "there is no rota %s%s: list it under escalation", clip(p.Rota), suggest(p.Rota, c.rotaIDs()))
		}
	}
}

// once checks that a word stands for one person only.
func (c peopleChecker) once(seen map[string]pos, n *node, what, word string) {
	if n == nil || n.kind != scalarNode {
		return
	}
	if strings.TrimSpace(word) == "" || len(word) > maxName {
		c.at(n, "the %s is empty or has more than %d bytes", what, maxName)
		return
	}
	if first, twice := seen[word]; twice {
		c.at(n, "the %s stands here a second time; the first is in line %d", what, first.line)
		return
	}
	seen[word] = n.pos
}

func (c peopleChecker) addresses(p *Person, n *node) {
	if n.child("email") == nil && n.child("phone") == nil && n.child("chat") == nil {
		c.at(n, "the person has no address: want email, phone or chat")
	}
	if at := n.child("email"); at != nil && at.kind == scalarNode {
		if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email {
			c.at(at, "%s is no mail address", clip(p.Email))
		}
	}
	if at := n.child("phone"); at != nil && at.kind == scalarNode && !number.MatchString(p.Phone) {
		c.at(at, "%s is no telephone number with country code, such as +8613800138000", clip(p.Phone))
	}
	chat := n.child("chat")
	if p.Chat == nil || chat == nil || chat.kind != mapNode {
		return
	}
	c.output(chat.near("output"), p.Chat.Output, func(o *Output) string {
		if o.Addresses() != ByWebhook {
			return "is no webhook"
		}
		return ""
	})
	if at := chat.child("address"); at != nil && at.kind == scalarNode && len(References(p.Chat.Address)) == 0 {
		if u, err := url.Parse(p.Chat.Address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			c.at(at, "%s is no address of a webhook: want http:// or https:// with a host", clip(p.Chat.Address))
		}
	}
}

// output checks a reference to an output; object says what is wrong with it, if anything.
func (c peopleChecker) output(n *node, id string, object func(*Output) string) {
	i := slices.IndexFunc(c.c.Outputs, func(o Output) bool { return o.ID == id })
	switch {
	case n.kind != scalarNode:
	case i < 0:
		c.at(n, "there is no output %s%s", clip(id), suggest(id, ids(c.c.Outputs, func(o Output) string { return o.ID })))
	case c.c.Outputs[i].Settings != nil:
		if text := object(&c.c.Outputs[i]); text != "" {
			c.at(n, "the output %s %s", id, text)
		}
	}
}

func (c peopleChecker) rotaIDs() []string {
	if c.c.Escalation == nil {
		return nil
	}
	return ids(c.c.Escalation.Rotas, func(r Rota) string { return r.ID })
}

func (c peopleChecker) rotas(n *node) {
	known := register{}
	list := n.child("rotas")
	for i := range c.c.Escalation.Rotas {
		r, at := &c.c.Escalation.Rotas[i], list.item(i)
		if at == nil || at.kind != mapNode {
			continue
		}
		c.add(known, at, r.ID)
		c.shifts(at.child("shifts"), r.Shifts)
		if s := at.child("shifts"); s != nil && len(r.Shifts) == 0 {
			c.at(s, "the rota has no shift: nobody would ever be on duty")
		}
		if !slices.ContainsFunc(c.c.People, func(p Person) bool { return p.Rota == r.ID }) {
			c.warnf(at.pos, at.path, "nobody is on the rota %s", r.ID)
		}
	}
}

func (c peopleChecker) shifts(list *node, shifts []Shift) {
	for i := range shifts {
		s, n := &shifts[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		if s.From == escalate.EndOfDay {
			c.at(n.near("from"), "24:00 is where a day ends: write 00:00 of the next one")
		}
		if s.Every < 1 || s.Every > escalate.MaxEvery {
			c.at(n.near("every"), "%d is not from 1 to %d weeks", s.Every, escalate.MaxEvery)
		}
		if s.Every > 1 && n.child("since") == nil {
			c.at(n.near("every"), "every %d weeks from which one on? write since: and a day of a week in which it is on", s.Every)
		}
	}
}

// longestAfter is more than anybody would leave an alarm alone.
const longestAfter = 7 * 24 * time.Hour

func (c peopleChecker) levels(list *node) {
	e := c.c.Escalation
	if len(e.Levels) == 0 {
		c.at(list, "there is no level: nobody would be told")
	}
	for i := range e.Levels {
		l, n := &e.Levels[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		if l.After > longestAfter {
			c.at(n.near("after"), "%s is longer than %s", formatDuration(l.After), formatDuration(longestAfter))
		}
		if to := n.child("to"); to != nil && to.kind == listNode && len(l.To) == 0 {
			c.at(to, "the level tells nobody")
		}
		for j, word := range l.To {
			if at := n.child("to").item(j); at != nil && at.kind == scalarNode {
				c.recipient(at, l, word)
			}
		}
		for j, zone := range l.Places {
			if at := n.child("places").item(j); at != nil && at.kind == scalarNode {
				c.zoneAt(at, c.zones, zone)
			}
		}
		if i > 0 && l.After < e.Levels[i-1].After && overlap(l, &e.Levels[i-1]) {
			c.at(n.near("after"), "%s is earlier than %s of the level before: levels stand in the order of their time",
				formatDuration(l.After), formatDuration(e.Levels[i-1].After))
		}
	}
}

// overlap reports whether two levels are for the same alarms, some of them.
func overlap(a, b *Level) bool {
	places := len(a.Places) == 0 || len(b.Places) == 0 ||
		slices.ContainsFunc(a.Places, func(z agent.ZoneID) bool { return slices.Contains(b.Places, z) })
	return places && slices.ContainsFunc(agent.Severities(), func(s agent.Severity) bool {
		return (&escalate.Level{Severities: a.Severity}).Concerns(s, "") && (&escalate.Level{Severities: b.Severity}).Concerns(s, "")
	})
}

// recipient finds what a word in to: means.
func (c peopleChecker) recipient(n *node, l *Level, word string) {
	switch {
	case slices.ContainsFunc(c.c.People, func(p Person) bool { return p.ID == word }):
		l.Persons = append(l.Persons, word)
	case slices.ContainsFunc(c.c.Outputs, func(o Output) bool { return o.ID == word }):
		l.Outputs = append(l.Outputs, word)
	case slices.Contains(roles(), word):
		if c.read("people") && !slices.ContainsFunc(c.c.People, func(p Person) bool { return slices.Contains(p.Roles, word) }) {
			c.at(n, "nobody has the role %s", word)
		}
		l.Roles = append(l.Roles, word)
	default:
		all := append(ids(c.c.People, func(p Person) string { return p.ID }), ids(c.c.Outputs, func(o Output) string { return o.ID })...)
		all = slices.Compact(slices.Sorted(slices.Values(append(all, roles()...))))
		all = slices.DeleteFunc(all, func(id string) bool { return id == "" })
		c.at(n, "%s is no person, role or output%s", clip(word), suggest(word, all))
	}
}

// roles are the words that a person's roles can be.
func roles() []string {
	return []string{"keeper", "driver", "region", agent.RoleQuality, "technician", "manager"}
}

// reachable checks that those whom a level tells can be told.
func (c peopleChecker) reachable(n *node) {
	s := c.c.EscalationSetup()
	for i := range c.c.People {
		p, at := &c.c.People[i], c.root.child("people").item(i)
		if !slices.ContainsFunc(s.Levels, func(l escalate.Level) bool { return l.Tells(&s.People[i]) }) {
			continue
		}
		var unused []string
		for key, kind := range map[string]string{"email": ByEmail, "phone": ByPhone} {
			if at.child(key) != nil && !slices.ContainsFunc(c.c.Outputs, func(o Output) bool { return o.Addresses() == kind }) {
				unused = append(unused, key)
			}
		}
		slices.Sort(unused)
		switch {
		case len(c.c.Ways(p)) == 0:
			c.at(at, "no output reaches this person by %s: list one under outputs", strings.Join(unused, " or "))
		case len(unused) > 0:
			c.warnf(at.pos, at.path, "no output uses this person's %s", strings.Join(unused, " or "))
		}
	}
}

// holes checks that somebody is on duty at every minute, for each severity and place of which
// levels tell people.
func (c peopleChecker) holes(n *node) {
	s := c.c.EscalationSetup()
	places := append([]agent.ZoneID{""}, c.places()...)
	looked, told := map[string]bool{}, map[string]bool{}
	for _, severity := range slices.Backward(agent.Severities()) {
		for _, place := range places {
			who, rotas := onDuty(&s, severity, place)
			if len(rotas) == 0 || looked[who] {
				continue // most places have the same people
			}
			looked[who] = true
			hole, is := escalate.FirstHole(rotas)
			if !is || told[hole.String()] {
				continue
			}
			told[hole.String()] = true
			where := ""
			if place != "" {
				where = fmt.Sprintf(" in %s", place)
			}
			c.at(n.near("rotas"), "nobody is on duty for %s alarms%s on %s (%s)", severity, where, hole, c.c.Timezone)
		}
	}
}

func (c peopleChecker) places() []agent.ZoneID {
	var places []agent.ZoneID
	for _, z := range c.c.Zones {
		places = append(places, z.ID)
	}
	return places
}

// onDuty is everybody who is told of some alarms by some level: their ids, and their rotas.
func onDuty(s *escalate.Setup, severity agent.Severity, place agent.ZoneID) (who string, rotas [][]escalate.Shift) {
	for i := range s.People {
		p := &s.People[i]
		if slices.ContainsFunc(s.Levels, func(l escalate.Level) bool { return l.Concerns(severity, place) && l.Tells(p) }) {
			who += p.ID + " "
			rotas = append(rotas, p.Rota)
		}
	}
	return who, rotas
}

// enoughPersons is how many named persons should hear of a critical alarm: what China's GSP
// demands, and what is left of a team when one is ill and one does not hear the telephone.
const enoughPersons = 3

func (c peopleChecker) enough(n *node) {
	places := c.places()
	if len(places) == 0 {
		places = []agent.ZoneID{""}
	}
	for _, place := range places {
		names := c.c.Told(place)
		if len(names) >= enoughPersons {
			continue
		}
		where, who := "", "nobody"
		if place != "" {
			where = " in " + string(place)
		}
		if len(names) > 0 {
			who = strings.Join(names, " and ") + " only"
		}
		c.warnf(n.pos, n.path, "a critical alarm%s is told to %s: name at least %d persons", where, who, enoughPersons)
		return
	}
}

// recipients checks that outputs for people have some: their own, or persons.
func (c peopleChecker) recipients() {
	list := c.root.child("outputs")
	for i := range c.c.Outputs {
		o, n := &c.c.Outputs[i], list.item(i)
		by, to := o.Addresses(), n.child("to")
		if by != ByEmail && by != ByPhone || to != nil && (to.kind != listNode || len(to.items) > 0) {
			continue
		}
		used := slices.ContainsFunc(c.c.People, func(p Person) bool {
			return slices.ContainsFunc(c.c.Ways(&p), func(w Way) bool { return w.Output == o.ID })
		})
		if !used {
			c.at(n, "the output tells nobody: write to: and who, or list people with their %s", o.Addresses())
		}
	}
}

func (c peopleChecker) mute() {
	m, n := c.c.Mute, c.root.child("mute")
	if m == nil || n == nil || n.kind != mapNode {
		return
	}
	points, complete := c.declaredPoints()
	at := slices.IndexFunc(points, func(p declared) bool { return p.id == m.Point })
	switch {
	case at >= 0 && points[at].quantity.Kind() != agent.State:
		c.at(n.near("point"), "%s is a %s: a button needs a point that is 0 or 1", m.Point, points[at].quantity)
	case at < 0 && complete && m.Point != "":
		c.at(n.near("point"), "there is no point %s%s", clip(string(m.Point)), suggest(string(m.Point), pointIDs(points)))
	}
	if m.Is != 0 && m.Is != agent.Unit {
		c.at(n.near("is"), "%s is no state: want 0 or 1", m.Is)
	}
	if m.For < 10*time.Second || m.For > time.Hour {
		c.at(n.near("for"), "%s is not from 10s to 1h", formatDuration(m.For))
	}
	for i, id := range m.Outputs {
		if at := n.child("outputs").item(i); at != nil {
			c.output(at, id, func(*Output) string { return "" })
		}
	}
}
