package ssd1306

import (
	"cmp"
	"image"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
	"periph.io/x/devices/v3/ssd1306/image1bit"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/phrase"
)

// Cells of the font.
const (
	cellWidth, cellHeight = 8, 16
	columns               = width / cellWidth
)

// canvas is a picture of two or four rows of text.
type canvas struct {
	image *image1bit.VerticalLSB
	rows  int
	phrase.Words
}

func newCanvas(height int, v agent.Voice) *canvas {
	return &canvas{image1bit.NewVerticalLSB(image.Rect(0, 0, width, height)), height / cellHeight, book.In(v)}
}

// alarm shows one alarm, and how many more there are.
func (c *canvas) alarm(s announce.Standing, more int) {
	a := s.Alarm
	c.head(a.Severity, a.State, more)
	zone := cmp.Or(readable(s.ZoneName), string(a.Zone), string(a.Item), string(a.Point), string(a.Alarm))
	value, limit := c.values(a)
	if c.rows == 2 {
		c.text(1, strings.TrimSpace(value+" "+zone), false)
		return
	}
	c.text(1, zone, false)
	c.text(2, value, true)
	c.text(3, limit, false)
}

// head is the bar on top: bright while the alarm waits for somebody.
func (c *canvas) head(severity agent.Severity, state agent.AlarmState, more int) {
	key := "head"
	switch state {
	case agent.StateAck:
		key = "head.ack"
	case agent.StateRtnUnack, agent.StateLatched:
		key = "head.was"
	}
	word := c.Say(key, phrase.Set{"severity": strings.ToUpper(c.Severity(severity))}.Word)
	c.text(0, word, true)
	if more > 0 {
		number := "+" + strconv.Itoa(min(more, 99))
		c.textAt(0, columns-len(number), number, true)
	}
	if state == agent.StateUnack {
		for y := range cellHeight {
			for x := range width {
				c.image.SetBit(x, y, !c.image.BitAt(x, y))
			}
		}
	}
}

// values are the value and the limit of an alarm; of one without a value, its kind and its name.
func (c *canvas) values(a agent.AlarmEvent) (value, limit string) {
	var q agent.Quantity
	if _, name, ok := strings.Cut(string(a.Point), "/"); ok {
		q = agent.Quantity(name)
	}
	if a.Value == nil {
		if key := "kind." + a.Kind; c.Have(key) {
			return c.Say(key, nil), string(a.Alarm)
		}
		return a.Kind, string(a.Alarm)
	}
	if state, ok := c.State(q, *a.Value != 0); ok {
		return state, string(a.Alarm)
	}
	if a.Limit == nil {
		return c.Value(*a.Value, nil, q), string(a.Alarm)
	}
	// What may change by so much, or differ by so much, has a difference for its limit.
	exact := c.Exact
	if a.Kind == "rate" || a.Kind == "disagree" {
		exact = c.ExactDifference
	}
	return c.Value(*a.Value, a.Limit, q), c.Say("limit", phrase.Set{"value": exact(*a.Limit, q)}.Word)
}

// unnamed is for an alarm that stood before the agent started, of which only the severity is known.
func (c *canvas) unnamed(severity agent.Severity) {
	c.head(severity, agent.StateUnack, 0)
	c.text(1, c.Say("since", nil), false)
	c.text(2, c.Say("since.start", nil), false)
}

// quiet shows the time, in the site's zone.
func (c *canvas) quiet(h announce.Host) {
	clock, date := "--:--", ""
	if now := h.Now().Wall; !now.IsZero() {
		if h.Zone != nil {
			now = now.In(h.Zone)
		}
		clock, date = now.Format("15:04"), now.Format("2006-01-02")
	}
	if c.rows == 2 {
		c.text(0, c.Say("quiet", nil), false)
		c.text(1, clock, true)
		return
	}
	c.text(0, c.Say("quiet", nil), false)
	c.text(1, string(h.Gateway), false)
	c.text(2, clock, true)
	c.text(3, date, false)
}

// text writes one row; what does not fit is cut off.
func (c *canvas) text(row int, s string, bold bool) { c.textAt(row, 0, s, bold) }

// textAt writes from a column on. What was there before is overwritten.
func (c *canvas) textAt(row, column int, s string, bold bool) {
	face := inconsolata.Regular8x16
	if bold {
		face = inconsolata.Bold8x16
	}
	for _, r := range s {
		wide := max(1, cells(r, face)) // what no font has is a box of the Latin one
		if column+wide > columns {
			return
		}
		if at := image.Pt(column*cellWidth, row*cellHeight); wide == 2 {
			c.han(at, hanGlyph(r))
		} else {
			c.latin(at, r, face)
		}
		column += wide
	}
}

func (c *canvas) latin(at image.Point, r rune, face *basicfont.Face) {
	mask := image.NewAlpha(image.Rect(0, 0, cellWidth, cellHeight))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(string(r))
	// A pixel of the panel is on or off: the font's soft edges are cut in the middle.
	for y := range cellHeight {
		for x := range cellWidth {
			c.image.SetBit(at.X+x, at.Y+y, image1bit.Bit(mask.AlphaAt(x, y).A >= 0x60))
		}
	}
}

func (c *canvas) han(at image.Point, rows string) {
	for y := range cellHeight {
		pixels := uint16(rows[2*y])<<8 | uint16(rows[2*y+1])
		for x := range 2 * cellWidth {
			c.image.SetBit(at.X+x, at.Y+y, image1bit.Bit(pixels>>(15-x)&1 != 0))
		}
	}
}

// readable is s, or nothing where the fonts have not all its characters.
func readable(s string) string {
	for _, r := range s {
		if cells(r, inconsolata.Regular8x16) == 0 {
			return ""
		}
	}
	return s
}

func drawable(face *basicfont.Face, r rune) bool {
	for _, of := range face.Ranges {
		if r >= of.Low && r < of.High && r != '\ufffd' {
			return true
		}
	}
	return false
}
