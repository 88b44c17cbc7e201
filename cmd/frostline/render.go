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

// style is how text is set off.
type style struct{ color bool }

var (
	plain    = style{}
	terminal = style{color: true}
)

// paint wraps text in an ANSI color where the style has any.
func (s style) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(t string) string   { return s.paint("1", t) }
func (s style) dim(t string) string    { return s.paint("2", t) }
func (s style) red(t string) string    { return s.paint("1;31", t) }
func (s style) yellow(t string) string { return s.paint("33", t) }
func (s style) green(t string) string  { return s.paint("32", t) }

// render prints a status for people: zones first, then what is wrong, then stock and delivery.
func render(w io.Writer, s *control.Status, st style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  clock %s  up %s\n", st.bold(string(s.Site)+"/"+string(s.Gateway)), timeIn(s.Now, siteOf(s)), s.Clock, seconds(s.UptimeS))
	b.WriteByte('\n')
	renderZones(&b, s, st)
	renderAlarms(&b, s, st)
	renderStock(&b, s, st)
	renderDelivery(&b, s, st)
	renderConditions(&b, s, st)
	_, err := io.WriteString(w, b.String())
	return err
}

func renderZones(b *strings.Builder, s *control.Status, st style) {
	for _, z := range s.Zones {
		name := z.Name
		if name == "" {
			name = string(z.ID)
		}
		if name == "" {
			name = "elsewhere"
		}
		fmt.Fprintf(b, "%s\n", st.bold(name))
		for _, p := range z.Points {
			fmt.Fprintf(b, "  %-26s %s\n", p.Point, pointText(p, st))
		}
	}
}

// pointText is a point's value with its trend, or why it has none.
func pointText(p control.Point, st style) string {
	switch {
	case p.Fault != "":
		return st.yellow("no value: " + p.Fault)
	case p.V == nil:
		return st.dim("not read yet")
	}
	text := fmt.Sprintf("%12s", valueText(p.Quantity, *p.V))
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
	perHour := p.Trend.Float64()
	arrow := "→"
	switch {
	case perHour > 0.3:
		arrow = "↑"
	case perHour < -0.3:
		arrow = "↓"
	}
	return fmt.Sprintf("%s %+.1f %s/h", arrow, perHour, p.Unit)
}

func renderAlarms(b *strings.Builder, s *control.Status, st style) {
	if len(s.Alarms) == 0 {
		fmt.Fprintf(b, "\n%s %s\n", st.bold("Alarms"), st.green("none"))
		return
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("Alarms"))
	for _, a := range s.Alarms {
		line := fmt.Sprintf("  %-9s %s  %s", a.State, timeIn(a.Raised, siteOf(s)), a.Message)
		if a.By != "" {
			line += fmt.Sprintf("  (%s: %s)", a.By, a.Comment)
		}
		switch {
		case a.State == agent.StateUnack && a.Severity == agent.SeverityCritical:
			line = st.red(line)
		case a.State == agent.StateUnack:
			line = st.yellow(line)
		}
		fmt.Fprintln(b, line)
	}
}

func renderStock(b *strings.Builder, s *control.Status, st style) {
	if len(s.Stock) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", st.bold("Stock"))
	for _, l := range s.Stock {
		line := fmt.Sprintf("  %-26s %5d in %-14s", itemName(l), l.Balance, l.Zone)
		if warn := stockWarning(l); warn != "" {
			line += " " + st.yellow(warn)
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

// stockWarning says that an item runs out, empty if it does not.
func stockWarning(l control.StockLine) string {
	switch {
	case l.Minimum > 0 && l.Total == 0:
		return "out of stock"
	case l.Total < l.Minimum:
		return fmt.Sprintf("below minimum (%d of %d)", l.Total, l.Minimum)
	}
	return ""
}

func renderDelivery(b *strings.Builder, s *control.Status, st style) {
	fmt.Fprintf(b, "\n%s %d records, %s, last %s/%d", st.bold("Store"), s.Store.Records, size(s.Store.Bytes), s.Store.Epoch, s.Store.Last)
	if s.Store.InMemory > 0 {
		fmt.Fprintf(b, ", %d in memory", s.Store.InMemory)
	}
	b.WriteByte('\n')
	if len(s.Upstreams) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", st.bold("Delivery"))
	for _, u := range s.Upstreams {
		line := fmt.Sprintf("  %-16s %-12s %8d taken %8d waiting  %s", u.ID, u.State, u.Taken, u.Waiting, size(u.Bytes))
		if u.Limit > 0 {
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
		fmt.Fprintf(b, "  %s %s [%s]\n", title, c.Subject, c.Code)
		if c.Detail != "" {
			fmt.Fprintf(b, "      %s\n", c.Detail)
		}
		fmt.Fprintf(b, "      %s\n", st.dim(c.Remedy))
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
