package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// errCritical is why `status` ends with code 1.
var errCritical = errors.New("something critical is wrong")

// render prints a status for people: zones first, then alarms, stock, delivery and what is
// wrong. A status that was read from the store of an agent that does not run is not live.
func render(w io.Writer, s *control.Status, live bool, st style) error {
	var b strings.Builder
	b.WriteString(st.bold(string(s.Site) + "/" + string(s.Gateway)))
	if live {
		fmt.Fprintf(&b, "  %s  clock %s  up %s", timeIn(s.Now, siteOf(s)), *s.Clock, seconds(*s.UptimeS))
	} else {
		b.WriteString("  " + st.yellow("the agent does not run; this is what its store says"))
	}
	b.WriteString("\n")
	renderZones(&b, s, live, st)
	renderAlarms(&b, s, st)
	renderStock(&b, s, st)
	renderDelivery(&b, s, live, st)
	renderConditions(&b, s, st)
	_, err := io.WriteString(w, b.String())
	return err
}

func renderZones(b *strings.Builder, s *control.Status, live bool, st style) {
	broad := 0
	for _, z := range s.Zones {
		for _, p := range z.Points {
			broad = max(broad, columns(string(p.Point)))
		}
	}
	for _, z := range s.Zones {
		if len(z.Points) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s\n", st.bold(zoneName(z)))
		for _, p := range z.Points {
			line := "  " + pad(string(p.Point), broad) + "  " + pointText(p, st)
			if !live && !p.T.IsZero() {
				line += st.dim("  at " + timeIn(p.T, siteOf(s)))
			}
			b.WriteString(line + "\n")
		}
	}
}

func zoneName(z control.Zone) string {
	switch {
	case z.Name != "":
		return z.Name
	case z.ID != "":
		return string(z.ID)
	}
	return "elsewhere"
}

// pointText is a point's value with its trend, or why it has none.
func pointText(p control.Point, st style) string {
	switch {
	case p.Fault != "":
		return st.yellow("no value: " + p.Fault)
	case p.V == nil:
		return st.dim("not read yet")
	}
	text := padLeft(valueText(p.Quantity, *p.V), 12)
	if p.Trend != nil {
		text += "  " + st.dim(trendText(p))
	}
	if len(p.Marks) > 0 {
		text += "  " + st.yellow("doubtful: "+strings.Join(p.Marks, ", "))
	}
	return text
}

// valueText is a value with its unit, rounded for reading; states are words.
func valueText(q agent.Quantity, v agent.Value) string {
	words := map[agent.Quantity][2]string{
		agent.Door: {"closed", "open"}, agent.PowerOK: {"power lost", "power ok"}, agent.Contact: {"open", "closed"},
	}
	if w, ok := words[q]; ok {
		if v == 0 {
			return w[0]
		}
		return w[1]
	}
	digits := map[agent.Quantity]int{agent.Temperature: 2, agent.Count: 0, agent.CO2: 0, agent.Latitude: 5, agent.Longitude: 5}
	n, ok := digits[q]
	if !ok {
		n = 1
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", n, v.Float64(), q.Unit()))
}

// trendText is an arrow and the change per hour.
func trendText(p control.Point) string {
	return fmt.Sprintf("%s %+.1f %s/h", arrow(p), p.Trend.Float64(), p.Unit)
}

// arrow is the trend as one sign: a change that matters within the hour, or none.
func arrow(p control.Point) string {
	least := 0.5 // °C, V, A …
	switch p.Quantity {
	case agent.Humidity, agent.Pressure, agent.Battery:
		least = 2
	case agent.CO2:
		least = 100
	}
	switch perHour := p.Trend.Float64(); {
	case perHour >= least:
		return "↑"
	case perHour <= -least:
		return "↓"
	}
	return "→"
}

func renderAlarms(b *strings.Builder, s *control.Status, st style) {
	if len(s.Alarms) == 0 {
		fmt.Fprintf(b, "\n%s %s\n", st.bold("Alarms"), st.green("none"))
		return
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("Alarms"))
	for _, a := range s.Alarms {
		line := fmt.Sprintf("  %-9s %s  %s", a.State, timeIn(a.Raised, siteOf(s)), alarmText(a))
		switch {
		case a.State == agent.StateUnack && a.Severity == agent.SeverityCritical:
			line = st.red(line)
		case a.State == agent.StateUnack:
			line = st.yellow(line)
		}
		fmt.Fprintln(b, line)
	}
}

// alarmText is an alarm's message, and what the person said who acknowledged it.
func alarmText(a control.Alarm) string {
	if a.By == "" {
		return a.Message
	}
	return fmt.Sprintf("%s  (%s: %s)", a.Message, a.By, a.Comment)
}

func renderStock(b *strings.Builder, s *control.Status, st style) {
	if len(s.Stock) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("Stock"))
	name, zone := 0, 0
	for _, l := range s.Stock {
		name, zone = max(name, columns(itemName(l))), max(zone, columns(zoneOf(s, l.Zone)))
	}
	for _, l := range s.Stock {
		line := fmt.Sprintf("  %s %5d in %s", pad(itemName(l), name), l.Balance, pad(zoneOf(s, l.Zone), zone))
		if warn := stockWarning(l); warn != "" {
			line += "  " + st.yellow(warn)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

func itemName(l control.StockLine) string {
	if l.Name != "" {
		return l.Name
	}
	return string(l.Item)
}

// zoneOf is the name of a zone.
func zoneOf(s *control.Status, id agent.ZoneID) string {
	for _, z := range s.Zones {
		if z.ID == id {
			return zoneName(z)
		}
	}
	return string(id)
}

// stockWarning says that an item runs out, empty if it does not.
func stockWarning(l control.StockLine) string {
	switch {
	case !l.Known && l.Minimum > 0:
		return "never counted"
	case l.Minimum > 0 && l.Total == 0:
		return "out of stock"
	case l.Total < l.Minimum:
		return fmt.Sprintf("below minimum (%d of %d)", l.Total, l.Minimum)
	}
	return ""
}

func renderDelivery(b *strings.Builder, s *control.Status, live bool, st style) {
	fmt.Fprintf(b, "\n%s\n  %d records, %s", st.bold("Store"), s.Store.Records, size(s.Store.Bytes))
	if s.Store.Last != 0 {
		fmt.Fprintf(b, ", last %s/%d", s.Store.Epoch, s.Store.Last)
	}
	if s.Store.InMemory > 0 {
		fmt.Fprintf(b, ", %d in memory", s.Store.InMemory)
	}
	b.WriteByte('\n')
	for _, name := range s.Store.SetAside {
		fmt.Fprintf(b, "  %s\n", st.yellow("set aside: "+name+"; keep it, or move it away once nobody needs it"))
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("Delivery"))
	if len(s.Upstreams) == 0 {
		fmt.Fprintln(b, "  the config has no upstreams: records stay here")
	}
	for _, u := range s.Upstreams {
		line := fmt.Sprintf("  %-16s %-12s %8d waiting", u.ID, u.State, u.Waiting)
		if live {
			line += fmt.Sprintf(" %8d taken since the start  %s", u.Taken, size(u.Bytes))
		}
		if live && u.Limit > 0 {
			line += " of " + size(u.Limit)
		}
		if u.Error != "" {
			line = st.yellow(line + "  " + u.Error)
		}
		fmt.Fprintln(b, line)
	}
}

func renderConditions(b *strings.Builder, s *control.Status, st style) {
	if len(s.Conditions) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("What is wrong"))
	for _, c := range s.Conditions {
		title := c.Title
		if c.Severity == agent.SeverityCritical {
			title = st.red(title)
		}
		fmt.Fprintf(b, "  %s  %s\n", title, st.dim(c.Subject+" ["+c.Code+"]"))
		if c.Detail != "" {
			fmt.Fprintf(b, "      %s\n", c.Detail)
		}
		fmt.Fprintf(b, "      → %s\n", c.Remedy)
	}
}

// clockTime is a time for people, in the machine's own zone.
func clockTime(t time.Time) string { return timeIn(t, time.Local) }

// timeIn is a time for people, at the site.
func timeIn(t time.Time, site *time.Location) string {
	if t.IsZero() {
		return "time unknown"
	}
	return t.In(site).Format("2006-01-02 15:04:05")
}

// siteOf is the status's time zone, or the machine's own if it is not known here.
func siteOf(s *control.Status) *time.Location {
	if loc, err := time.LoadLocation(s.Timezone); err == nil {
		return loc
	}
	return time.Local
}

func seconds(s int64) string { return (time.Duration(s) * time.Second).String() }

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n), ""
	for _, suffix = range []string{"KiB", "MiB", "GiB", "TiB"} {
		value /= unit
		if value < unit {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}
