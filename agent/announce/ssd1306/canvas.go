package ssd1306

import (
	"cmp"
	"fmt"
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
}

func newCanvas(height int) *canvas {
	return &canvas{image1bit.NewVerticalLSB(image.Rect(0, 0, width, height)), height / cellHeight}
}

// alarm shows one alarm, and how many more there are.
func (c *canvas) alarm(s announce.Standing, more int) {
	a := s.Alarm
	c.head(a.Severity, a.State, more)
	zone := cmp.Or(readable(s.ZoneName), string(a.Zone), string(a.Item), string(a.Point), string(a.Alarm))
	value, limit := values(a)
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
	word := strings.ToUpper(string(severity))
	switch state {
	case agent.StateAck:
		word = "ack " + word
	case agent.StateRtnUnack, agent.StateLatched:
		word = "was " + word
	}
	if more > 0 {
		word = fmt.Sprintf("%-*s%4s", columns-4, word, "+"+strconv.Itoa(min(more, 99)))
	}
	c.text(0, word, true)
	if state == agent.StateUnack {
		for y := range cellHeight {
			for x := range width {
				c.image.SetBit(x, y, !c.image.BitAt(x, y))
			}
		}
	}
}

// values are the value and the limit of an alarm; of one without a value, its kind and its name.
func values(a agent.AlarmEvent) (value, limit string) {
	unit := ""
	if _, name, ok := strings.Cut(string(a.Point), "/"); ok {
		unit = agent.Quantity(name).Unit()
	}
	if a.Value == nil {
		return a.Kind, string(a.Alarm)
	}
	value = number(*a.Value, unit)
	if a.Limit == nil {
		return value, string(a.Alarm)
	}
	return value, "limit " + number(*a.Limit, unit)
}

// number rounds to three decimals, which is finer than any limit that people set.
func number(v agent.Value, unit string) string {
	text := strconv.FormatFloat(v.Float64(), 'f', 3, 64)
	text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	return strings.TrimSpace(text + " " + unit)
}

// unnamed is for an alarm that stood before the agent started, of which only the severity is known.
func (c *canvas) unnamed(severity agent.Severity) {
	c.head(severity, agent.StateUnack, 0)
	c.text(1, "alarm since", false)
	c.text(2, "before the start", false)
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
		c.text(0, "all quiet", false)
		c.text(1, clock, true)
		return
	}
	c.text(0, "all quiet", false)
	c.text(1, string(h.Gateway), false)
	c.text(2, clock, true)
	c.text(3, date, false)
}

// text writes one row; what does not fit is cut off.
func (c *canvas) text(row int, s string, bold bool) {
	face := inconsolata.Regular8x16
	if bold {
		face = inconsolata.Bold8x16
	}
	if r := []rune(s); len(r) > columns {
		s = string(r[:columns])
	}
	mask := image.NewAlpha(image.Rect(0, 0, width, cellHeight))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(s)
	// A pixel of the panel is on or off: the font's soft edges are cut in the middle.
	for y := range cellHeight {
		for x := range width {
			if mask.AlphaAt(x, y).A >= 0x60 {
				c.image.SetBit(x, row*cellHeight+y, image1bit.On)
			}
		}
	}
}

// readable is s, or nothing where the font has not all its characters.
func readable(s string) string {
	for _, r := range s {
		if !drawable(inconsolata.Regular8x16, r) {
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
