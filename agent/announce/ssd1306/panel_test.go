package ssd1306_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// panel is an SSD1306 as its datasheet describes it: commands after 0x00, pixels after 0x40, in
// horizontal addressing mode.
type panel struct {
	t       *testing.T
	address uint16

	mu      sync.Mutex
	ram     [8][128]byte
	page    int
	col     int
	window  [4]int // first and last column, first and last page
	lit     bool   // display on
	segment byte   // 0xa0 or 0xa1
	scan    byte   // 0xc0 or 0xc8
	rows    int
	pads    byte // COM pins
	gone    bool // unplugged
	failAt  int  // of transactions: that one is not acknowledged; 0: none
	n       int
}

var errAbsent = errors.New("no acknowledge")

// Periph implements announce.I2C.
func (p *panel) Periph(ctx context.Context) i2c.Bus { return bound{p, ctx} }

type bound struct {
	*panel
	ctx context.Context
}

func (b bound) String() string                  { return "i2c-1" }
func (b bound) SetSpeed(physic.Frequency) error { return errors.New("the speed is not ours") }

func (b bound) Tx(address uint16, w, r []byte) error {
	p := b.panel
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	switch {
	case b.ctx.Err() != nil:
		return b.ctx.Err()
	case p.gone || address != p.address || p.n == p.failAt:
		return errAbsent
	case len(r) != 0 || len(w) == 0:
		p.t.Errorf("tx % x, read %d", w, len(r))
	case w[0] == 0x00:
		p.commands(w[1:])
	case w[0] == 0x40:
		p.pixels(w[1:])
	default:
		p.t.Errorf("control byte 0x%02x", w[0])
	}
	return nil
}

func (p *panel) commands(c []byte) {
	for len(c) > 0 {
		op := c[0]
		n := 0 // bytes that follow
		switch {
		case op < 0x10:
			p.col = p.col&0xf0 | int(op&0x0f)
		case op < 0x20:
			p.col = p.col&0x0f | int(op&0x0f)<<4
		case op == 0x20:
			n = 1
			if c[1] != 0 {
				p.t.Errorf("addressing mode %d", c[1])
			}
		case op == 0x21:
			n = 2
			p.window[0], p.window[1], p.col = int(c[1]), int(c[2]), int(c[1])
		case op == 0x22:
			n = 2
			p.window[2], p.window[3], p.page = int(c[1]), int(c[2]), int(c[1])
		case op == 0xa0, op == 0xa1:
			p.segment = op
		case op == 0xc0, op == 0xc8:
			p.scan = op
		case op == 0xae, op == 0xaf:
			p.lit = op == 0xaf
		case op == 0xa8:
			n, p.rows = 1, int(c[1])+1
		case op == 0xda:
			n, p.pads = 1, c[1]
		case op >= 0xb0 && op <= 0xb7:
			p.page = int(op & 7)
		case op == 0x81, op == 0x8d, op == 0xd3, op == 0xd5, op == 0xd9, op == 0xdb:
			n = 1
		case op == 0xa4, op == 0xa6, op == 0x2e, op >= 0x40 && op < 0x80:
		default:
			p.t.Errorf("command 0x%02x", op)
		}
		c = c[1+n:]
	}
}

func (p *panel) pixels(b []byte) {
	for _, x := range b {
		p.ram[p.page][p.col] = x
		if p.col++; p.col > p.window[1] {
			p.col = p.window[0]
			if p.page++; p.page > p.window[3] {
				p.page = p.window[2]
			}
		}
	}
}

// unplug takes the power away, and plug gives it back, with noise in the memory.
func (p *panel) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone, p.lit = true, false
}

func (p *panel) plug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = false
	for page := range p.ram {
		for col := range p.ram[page] {
			p.ram[page][col] = byte(page*31 + col*17)
		}
	}
}

// looks is what a person in front of it sees, two rows of pixels in a row of text.
func (p *panel) looks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lit {
		return "dark\n"
	}
	upright := p.segment == 0xa1 && p.scan == 0xc8
	if !upright && (p.segment != 0xa0 || p.scan != 0xc0) {
		return "mirrored\n"
	}
	on := func(x, y int) bool { return p.ram[y/8][x]>>(y%8)&1 != 0 }
	var b strings.Builder
	for y := 0; y < p.rows; y += 2 {
		var line strings.Builder
		for x := range 128 {
			line.WriteString(map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}[[2]bool{on(x, y), on(x, y+1)}])
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
