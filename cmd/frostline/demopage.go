package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// view is what the demo's page shows.
type view struct {
	status   *control.Status
	title    string
	speed    float64
	linkDown bool
	far      string // what the far side has
	dir      string // of the store
	recent   []happening
}

// span is text of one color, row a line of spans.
type (
	span struct {
		text string
		ink  ink
	}
	row []span
)

// fit cuts the row to a width and paints it.
func (r row) fit(width int, st style) string {
	var b strings.Builder
	for _, s := range r {
		text := clip(s.text, width)
		b.WriteString(st.paint(s.ink, text))
		width -= columns(text)
		if width <= 0 || text != s.text {
			break
		}
	}
	return b.String()
}

// block is a part of the page: a title and rows, of which at least some are shown if there
// is any room at all.
type block struct {
	title row // may be empty
	rows  []row
	least int
	tail  bool // the last rows matter most, not the first

	shown int
}

// page lays the view out on a terminal of the given size. Whatever does not fit is left out
// in a fixed order; no line is wider and the page is not longer than the terminal.
func (v *view) page(width, height int, st style) []string {
	blocks := []*block{v.zones(width), v.alarms(width), v.troubles(width), v.stock(), v.delivery(), v.happened()}
	if height >= 30 {
		blocks = append(blocks, v.hint())
	}
	blocks = slices.DeleteFunc(blocks, func(b *block) bool { return len(b.rows) == 0 })
	room, spaced := height-1, height >= 36
	if spaced {
		room -= len(blocks)
	}
	allot(blocks, room)
	lines := []string{v.head(width).fit(width, st)}
	for _, b := range blocks {
		if b.shown == 0 {
			continue
		}
		if spaced {
			lines = append(lines, "")
		}
		for _, r := range b.lines() {
			lines = append(lines, r.fit(width, st))
		}
	}
	return lines[:min(len(lines), max(height, 1))]
}

// allot gives every block its least, in order, and then a row each in turn while there is room.
func allot(blocks []*block, room int) {
	for _, b := range blocks {
		over := min(1, len(b.title)) // the title's line
		if len(b.rows) == 0 || room < over+1 {
			continue
		}
		b.shown = min(len(b.rows), b.least, room-over)
		room -= over + b.shown
	}
	for given := true; given && room > 0; {
		given = false
		for _, b := range blocks {
			if room > 0 && b.shown > 0 && b.shown < len(b.rows) {
				b.shown++
				room--
				given = true
			}
		}
	}
}

// lines are the title and the rows that are shown.
func (b *block) lines() []row {
	var lines []row
	if len(b.title) > 0 {
		lines = append(lines, b.title)
	}
	hidden := len(b.rows) - b.shown
	switch {
	case hidden > 0 && b.tail:
		return append(lines, b.rows[hidden:]...)
	case hidden > 0 && b.shown > 1:
		lines = append(lines, b.rows[:b.shown-1]...)
		return append(lines, row{{"  …", dim}})
	}
	return append(lines, b.rows[:b.shown]...)
}

// head is the first line: what this is, the time there, and how to end it.
func (v *view) head(width int) row {
	link := span{"link up", green}
	if v.linkDown {
		link = span{"link DOWN", red}
	}
	r := row{
		{"Frostline demo", bold}, {" · " + v.title + "  ", usual}, {v.status.Now.In(siteOf(v.status)).Format(time.TimeOnly), bold},
		{fmt.Sprintf("  %g×  ", v.speed), usual}, link,
	}
	used := 0
	for _, s := range r {
		used += columns(s.text)
	}
	if hint := "Ctrl-C ends"; width-used > columns(hint)+1 {
		r = append(r, span{padLeft(hint, width-used), dim})
	}
	return r
}

// zones shows every point in cells, zone by zone, in as many columns as fit.
func (v *view) zones(width int) *block {
	b := &block{}
	label, hasTrend := 0, width >= 100
	for _, z := range v.status.Zones {
		for _, p := range z.Points {
			label = max(label, min(columns(pointLabel(p)), 14))
		}
	}
	for _, z := range v.status.Zones {
		if len(z.Points) == 0 {
			continue
		}
		name := row{{"  " + zoneName(z), bold}}
		if text, color := v.worst(z.ID); text != "" {
			name = append(name, span{"  " + text, color})
		}
		b.rows = append(b.rows, name)
		b.rows = append(b.rows, cells(z.Points, label, width, hasTrend)...)
	}
	b.least = len(b.rows)
	return b
}

// worst is the worst active alarm of a zone in a word.
func (v *view) worst(zone agent.ZoneID) (string, ink) {
	text, color := "", usual
	for _, a := range v.status.Alarms {
		switch {
		case zone == "" || a.Zone != zone || a.State == agent.StateRtnUnack:
		case a.Severity == agent.SeverityCritical:
			return "ALARM", red
		default:
			text, color = "warning", yellow
		}
	}
	return text, color
}

// cells lays points out side by side.
func cells(points []control.Point, label, width int, hasTrend bool) []row {
	const value, gap = 10, 2
	room := 1 // for the trend
	if hasTrend {
		room += 10
	}
	each := label + 1 + value + 1 + room + gap
	perRow := max(1, (width-4+gap)/each)
	var rows []row
	for i, p := range points {
		if i%perRow == 0 {
			rows = append(rows, row{{"    ", usual}})
		} else {
			last := &rows[len(rows)-1]
			*last = append(*last, span{strings.Repeat(" ", gap), usual})
		}
		text, color := cellValue(p)
		trend := ""
		if p.Trend != nil {
			if trend = arrow(p); hasTrend {
				trend += fmt.Sprintf(" %+.1f/h", p.Trend.Float64())
			}
		}
		last := &rows[len(rows)-1]
		*last = append(*last,
			span{pad(clip(pointLabel(p), label), label+1), usual},
			span{padLeft(text, value) + " ", color},
			span{pad(trend, room), dim})
	}
	return rows
}

// pointLabel is the name of what measures: the point's words are in its unit.
func pointLabel(p control.Point) string {
	name, _, _ := strings.Cut(string(p.Point), "/")
	return name
}

// cellValue is a point's value in few words.
func cellValue(p control.Point) (string, ink) {
	switch {
	case p.Fault != "":
		return clip("! "+p.Fault, 10), yellow
	case p.V == nil:
		return "…", dim
	}
	text := valueText(p.Quantity, *p.V)
	switch {
	case len(p.Marks) > 0:
		return text + "?", yellow
	case p.Quantity == agent.Door && *p.V != 0:
		return text, yellow
	case p.Quantity == agent.PowerOK && *p.V == 0:
		return text, red
	}
	return text, usual
}

// alarms shows what is active first, then what is over and waits for a person's word; the
// newest of each first.
func (v *view) alarms(width int) *block {
	active, over := countAlarms(v.status.Alarms)
	b := &block{title: row{{"Alarms", bold}}, least: 3}
	if len(v.status.Alarms) == 0 {
		b.title = append(b.title, span{"  none", green})
		b.rows = []row{{{"  Everything is as it should be.", dim}}}
		return b
	}
	b.title = append(b.title, span{fmt.Sprintf("  %d active, %d over and not acknowledged", active, over), dim})
	alarms := slices.Clone(v.status.Alarms)
	slices.SortStableFunc(alarms, func(a, b control.Alarm) int {
		return cmp.Or(cmp.Compare(urgency(&a), urgency(&b)), b.Raised.Compare(a.Raised))
	})
	for i := range alarms {
		b.rows = append(b.rows, v.alarm(&alarms[i], width)...)
	}
	return b
}

// urgency orders alarms on the page: what waits for a person first, what is over last.
func urgency(a *control.Alarm) int {
	switch {
	case a.State == agent.StateRtnUnack:
		return 3
	case a.State == agent.StateAck:
		return 2
	case a.Severity == agent.SeverityCritical:
		return 0
	}
	return 1
}

// alarm is one alarm: an active one in full, one that is over in a line.
func (v *view) alarm(a *control.Alarm, width int) []row {
	when := a.Raised.In(siteOf(v.status)).Format(time.TimeOnly)
	if a.State == agent.StateRtnUnack {
		return []row{{{"  " + when + "  over: " + a.Message, dim}}}
	}
	color := yellow
	if a.Severity == agent.SeverityCritical {
		color = red
	}
	if a.State == agent.StateAck {
		color = usual
	}
	var rows []row
	for i, line := range wrap(a.Message, max(20, width-12)) {
		if i > 0 {
			when = ""
		}
		rows = append(rows, row{{"  " + pad(when, 8) + "  " + line, color}})
	}
	return rows
}

// troubles shows what is wrong with the gateway itself.
func (v *view) troubles(width int) *block {
	b := &block{title: row{{"What is wrong", bold}}, least: 1}
	for _, c := range v.status.Conditions {
		color := yellow
		if c.Severity == agent.SeverityCritical {
			color = red
		}
		r := row{{"  " + c.Title, color}, {" " + c.Subject, usual}}
		if width >= 100 {
			r = append(r, span{"  " + c.Remedy, dim})
		}
		b.rows = append(b.rows, r)
	}
	return b
}

func (v *view) stock() *block {
	b := &block{title: row{{"Stock", bold}}, least: 2}
	name := 0
	for _, l := range v.status.Stock {
		name = max(name, columns(itemName(l)))
	}
	lines := slices.Clone(v.status.Stock)
	slices.SortStableFunc(lines, func(a, b control.StockLine) int { // what runs out comes first
		return cmp.Compare(min(1, len(stockWarning(b))), min(1, len(stockWarning(a))))
	})
	for _, l := range lines {
		r := row{{fmt.Sprintf("  %s %4d in %s", pad(itemName(l), min(name, 30)), l.Balance, zoneOf(v.status, l.Zone)), usual}}
		if warn := stockWarning(l); warn != "" {
			r = append(r, span{"  " + warn, yellow})
		}
		b.rows = append(b.rows, r)
	}
	return b
}

func (v *view) delivery() *block {
	s := v.status
	b := &block{title: row{{"Delivery", bold}, {fmt.Sprintf("  %d records stored, %s", s.Store.Records, size(s.Store.Bytes)), dim}}}
	for _, u := range s.Upstreams {
		r := row{{fmt.Sprintf("  %s %s: ", u.ID, u.State), usual}}
		backlog := span{fmt.Sprintf("%d waiting", u.Waiting), usual}
		if u.Waiting > 0 && u.Error != "" {
			backlog.ink = yellow
		}
		r = append(r, backlog, span{fmt.Sprintf(", %d taken, %s sent", u.Taken, size(u.Bytes)), usual})
		if u.Error != "" {
			r = append(r, span{"  " + u.Error, yellow})
		}
		b.rows = append(b.rows, r)
	}
	b.rows = append(b.rows, row{{"  far side: " + v.far, usual}})
	b.least = len(b.rows)
	return b
}

func (v *view) happened() *block {
	b := &block{title: row{{"What happens", bold}}, least: 2, tail: true}
	for _, h := range v.recent {
		b.rows = append(b.rows, row{{"  " + h.at.In(siteOf(v.status)).Format(time.TimeOnly) + "  ", dim}, {h.text, h.ink}})
	}
	return b
}

// hint says how to look at the same agent from elsewhere.
func (v *view) hint() *block {
	return &block{rows: []row{{{"In another terminal: frostline status --dir " + v.dir, dim}}}, least: 1}
}
