package config

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// checker checks what one value alone cannot tell: ids, references between sections,
// and what a sensible operator would not mean.
type checker struct {
	*problems
	c    *Config
	root *node
	read func(file string) ([]byte, error) // nil: the items file is left unread
}

func (k checker) all() {
	k.top()
	k.store()
	zones := k.zones()
	k.buses()
	k.sensors(zones)
	k.scanners(zones)
	k.recorded(zones)
	k.stock(zones)
	k.suppressions()
	k.alarms(zones)
	k.normal(k.profiles())
	k.trip(zones)
	k.upstreams(zones)
	k.outputs()
	k.people(zones)
}

func (k checker) top() {
	k.id(k.root, "site", string(k.c.Site))
	k.id(k.root, "gateway", string(k.c.Gateway))
	if n := k.root.child("timezone"); n != nil && n.kind == scalarNode {
		location, err := time.LoadLocation(k.c.Timezone)
		if err != nil || k.c.Timezone == "" || k.c.Timezone == "Local" {
			k.at(n, "%s is no time zone: write its IANA name, such as Europe/Berlin or UTC", clip(k.c.Timezone))
		}
		k.c.Location = location
	}
	if n := k.root.child("web").child("listen"); n != nil && n.kind == scalarNode && k.c.Web.Listen != WebOff {
		k.listen(n, k.c.Web.Listen)
	}
	if n := k.root.child("clock").child("wait"); n != nil && k.c.Clock.Wait == 0 && k.c.Clock.Trust == agent.ClockSynced {
		k.at(n, "0s waits for nothing: write trust: held, or how long to wait")
	}
	if len(k.c.Sensors) == 0 && len(k.c.Scanners) == 0 {
		k.warnf(k.root.pos, "", "no sensors and no scanners: there is nothing to record")
	}
}

func (k checker) listen(n *node, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		k.at(n, "%s is no address and port: write 127.0.0.1:8470, or off", clip(address))
		return
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil {
		k.at(n, "%s is no port: want 0 to 65535", clip(port))
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		k.at(n, "%s is no loopback address: the page has no login, so only this machine may reach it; write 127.0.0.1:%d, and reach it through a tunnel or a proxy with a login", clip(host), number)
	}
}

// maxDir leaves room for "/control.sock" in the 108 bytes of a socket's address.
const maxDir = 108 - 1 - len("/control.sock")

func (k checker) store() {
	n, s := k.root.child("store"), k.c.Store
	if !filepath.IsAbs(s.Dir) {
		k.at(n.near("dir"), "%s is no absolute path: the store must not depend on where the agent was started", clip(s.Dir))
	}
	if len(s.Dir) > maxDir {
		k.at(n.near("dir"), "the path has %d bytes, more than %d: the agent's socket is in there, and the kernel allows no longer path for one", len(s.Dir), maxDir)
	}
	if s.CommitWithin < 10*time.Millisecond || s.CommitWithin > time.Minute {
		k.at(n.near("commit_within"), "%s is not from 10ms to 1m", formatDuration(s.CommitWithin))
	}
	keep := n.child("keep")
	if s.Keep.Age < time.Hour {
		k.at(keep.near("age"), "%s is less than an hour", formatDuration(s.Keep.Age))
	}
	if s.Keep.Bytes < 16<<20 {
		k.at(keep.near("bytes"), "%s is less than 16MiB, which a store needs to work", s.Keep.Bytes)
	}
}

// id checks that an id can be one; it says nothing about a key that is missing or misshapen.
func (k checker) id(n *node, key, id string) bool {
	value := n.child(key)
	if value == nil || value.kind != scalarNode {
		return false
	}
	if agent.CheckID(id) != nil {
		k.at(value, "%s", notAnID(id))
		return false
	}
	return true
}

// notAnID says what an id is, and the nearest one.
func notAnID(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	near := strings.Trim(b.String(), "-_")
	hint := ""
	if agent.CheckID(near) == nil {
		hint = ", such as " + near
	}
	return clip(text) + " is not an id: want 1 to 64 of a-z, 0-9, '-' and '_', starting with a letter or digit" + hint
}

// register is the ids of a section, each with its place.
type register map[string]pos

// add checks an id and that it is new.
func (k checker) add(ids register, n *node, id string) {
	if n == nil || !k.id(n, "id", id) {
		return
	}
	at := n.child("id")
	if first, twice := ids[id]; twice {
		k.at(at, "the id %s stands here a second time; the first is in line %d", id, first.line)
		return
	}
	ids[id] = at.pos
}

func (k checker) zones() register {
	ids := register{}
	list := k.root.child("zones")
	for i, z := range k.c.Zones {
		k.add(ids, list.item(i), string(z.ID))
	}
	return ids
}

// zone checks a reference to a zone.
func (k checker) zone(n *node, zones register, zone agent.ZoneID) {
	value := n.child("zone")
	if value == nil || value.kind != scalarNode {
		return
	}
	k.zoneAt(value, zones, zone)
}

func (k checker) zoneAt(n *node, zones register, zone agent.ZoneID) {
	if _, ok := zones[string(zone)]; ok {
		return
	}
	if len(zones) == 0 {
		k.at(n, "there is no zone %s: list it under zones", clip(string(zone)))
		return
	}
	k.at(n, "there is no zone %s%s", clip(string(zone)), suggest(string(zone), names(zones)))
}

func (k checker) buses() {
	section := k.root.child("buses")
	for _, name := range names(k.c.Buses) {
		b, n := k.c.Buses[name], section.child(name)
		if b.Scenario == "" {
			continue // missing or misshapen, and reported
		}
		if k.known.Scenarios != nil && !slices.Contains(k.known.Scenarios, b.Scenario) && !isPath(b.Scenario) {
			k.at(n.near("scenario"), "there is no scenario %s%s", clip(b.Scenario), suggest(b.Scenario, k.known.Scenarios))
			continue
		}
		if k.known.Buses == nil {
			continue
		}
		buses, err := k.known.Buses(b.Scenario)
		switch {
		case err != nil:
			k.at(n.near("scenario"), "the scenario cannot be used: %s", err)
		case !slices.Contains(buses, name):
			k.at(n, "the scenario %s has no bus %s%s", clip(b.Scenario), clip(name), suggest(name, buses))
		}
	}
}

// isPath reports whether a scenario is a file of the operator's own.
func isPath(scenario string) bool {
	return strings.Contains(scenario, "/") || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(scenario))
}

// minEvery is the shortest interval that a gateway of this class samples without falling
// behind; with more than maxEvery nothing is watched in any sense; maxTimeout is longer
// than any device needs for an answer.
const (
	minEvery   = 100 * time.Millisecond
	maxEvery   = 24 * time.Hour
	maxTimeout = time.Minute
)

func (k checker) sensors(zones register) {
	ids, claims := register{}, map[string]pos{}
	list := k.root.child("sensors")
	for i := range k.c.Sensors {
		s, n := &k.c.Sensors[i], list.item(i)
		if n.kind != mapNode {
			continue
		}
		k.add(ids, n, string(s.ID))
		k.zone(n, zones, s.Zone)
		k.claim(claims, n, s.Settings)
		if s.Every < minEvery || s.Every > maxEvery {
			k.at(n.near("every"), "%s is not from %s to %s", formatDuration(s.Every), formatDuration(minEvery), formatDuration(maxEvery))
		}
		if s.Timeout > maxTimeout {
			k.at(n.near("timeout"), "%s is longer than %s", formatDuration(s.Timeout), formatDuration(maxTimeout))
		}
		if s.Zone == "" && n.child("zone") == nil && len(zones) > 0 {
			k.warnf(n.pos, n.path, "the sensor is in no zone: no alarm of a zone watches it")
		}
		k.calibration(n, s)
	}
	k.scannerIDs(ids, claims)
}

func (k checker) calibration(n *node, s *Sensor) {
	if s.Settings == nil {
		return
	}
	valid := make([]string, len(s.Points))
	for i, p := range s.Points {
		valid[i] = p.Name
	}
	for _, e := range n.near("calibration").entries {
		if n.child("calibration") != nil && !slices.Contains(valid, e.key) {
			k.errorf(e.pos, e.value.path, "the sensor has no point %s%s", clip(e.key), suggest(e.key, valid))
		}
	}
}

// scannerIDs checks the scanners' ids and devices together with the sensors': both name points.
func (k checker) scannerIDs(ids register, claims map[string]pos) {
	list := k.root.child("scanners")
	for i := range k.c.Scanners {
		k.add(ids, list.item(i), string(k.c.Scanners[i].ID))
		k.claim(claims, list.item(i), k.c.Scanners[i].Settings)
	}
}

func (k checker) scanners(zones register) {
	list := k.root.child("scanners")
	for i := range k.c.Scanners {
		s, n := &k.c.Scanners[i], list.item(i)
		k.scannerZone(n, zones, s.Zone)
		if s.Direction != "" && s.Zone == "" && n.child("zone") == nil {
			k.at(n.near("direction"), "a scanner that moves stock needs a zone")
		}
	}
}

// scannerZone checks a scanner's zone. A dock or an aisle where nothing is measured need not
// be listed under zones, unless it looks like a slip of the pen: its name is then its id.
func (k checker) scannerZone(n *node, zones register, zone agent.ZoneID) {
	value := n.child("zone")
	_, listed := zones[string(zone)]
	if value == nil || value.kind != scalarNode || listed || nearest(string(zone), names(zones)) != "" {
		k.zone(n, zones, zone)
		return
	}
	if !k.id(n, "zone", string(zone)) {
		return
	}
	zones[string(zone)] = value.pos
	k.c.Zones = append(k.c.Zones, Zone{ID: zone})
	k.warnf(value.pos, value.path, "the zone %s is not listed under zones: it has no name but its id", zone)
}

func (k checker) upstreams(zones register) {
	ids := register{}
	list := k.root.child("upstreams")
	for i := range k.c.Upstreams {
		u, n := &k.c.Upstreams[i], list.item(i)
		k.add(ids, n, string(u.ID))
		for j, z := range u.Only.Zones {
			if item := n.child("only").child("zones").item(j); item.kind == scalarNode {
				k.zoneAt(item, zones, z)
			}
		}
		if u.Limit != nil && u.Limit.Bytes < 1<<10 {
			k.at(n.child("limit").near("bytes"), "%s is less than 1KiB, which brings nothing anywhere", u.Limit.Bytes)
		}
		if b := u.Batch.Bytes; b < 1<<10 || b > 16<<20 {
			k.at(n.child("batch").near("bytes"), "%s is not from 1KiB to 16MiB", b)
		}
		if l := u.Batch.Linger; l > 24*time.Hour {
			k.at(n.child("batch").near("linger"), "%s is longer than a day", formatDuration(l))
		}
	}
}

func (k checker) outputs() {
	ids := register{}
	list := k.root.child("outputs")
	for i := range k.c.Outputs {
		k.add(ids, list.item(i), k.c.Outputs[i].ID)
	}
	if list == nil && len(k.c.Alarms) > 0 {
		k.warnf(k.root.pos, "outputs", "there are alarms and no outputs: nobody here hears them; list at least {id: journal, driver: log}")
	}
}
