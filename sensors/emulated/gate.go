package emulated

import (
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/frostline/frostline/sensors/emulated/chip"
)

// I2CChip is a chip on an I²C bus: one transaction that is addressed to it.
type I2CChip interface{ Tx(w, r []byte) error }

// SPIChip is a chip on an SPI port: one transaction, w and r of the same length.
type SPIChip interface{ Tx(w, r []byte) error }

// look is how often something that waits for the script looks at it, in real time.
const look = 5 * time.Millisecond

// gate is the way to the chips of a bus: one transaction at a time, none while the bus is
// stuck, and each finds the chips as the script has them at that moment.
type gate struct {
	w      *World
	name   string
	mu     sync.Mutex
	plugs  []*plug
	shorts []short
	field  *field
}

// use runs a transaction.
func (g *gate) use(transaction func() error) error {
	if err := g.unstick(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.w.Elapsed()
	for _, p := range g.plugs {
		p.follow(t)
	}
	for _, s := range g.shorts {
		s.line.Short(g.w.script.active(BusShorted, s.id, t))
	}
	if g.field != nil {
		g.field.follow(g.w, t)
	}
	return transaction()
}

// unstick returns nil at once if the bus is not stuck. If it is, it hangs until it no
// longer is, as the kernel does, and then fails as a controller that gave up.
func (g *gate) unstick() error {
	if !g.w.Active(BusStuck, g.name) {
		return nil
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for g.w.Active(BusStuck, g.name) {
		select {
		case <-ticker.C:
		case <-g.w.quit:
			return fmt.Errorf("emulated %s: %w", g.name, syscall.ETIMEDOUT)
		}
	}
	return fmt.Errorf("emulated %s: %w", g.name, syscall.ETIMEDOUT)
}

// powerCycle resets a chip by its reset line.
func (g *gate) powerCycle(p *plug) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.follow(g.w.Elapsed())
	if !p.out {
		p.chip.Unplug()
		p.chip.Plug()
	}
}

type pluggable interface {
	Plug()
	Unplug()
}

// plug connects a chip as the script says. It is guarded by the mu of its gate, like the
// chip behind it.
type plug struct {
	w        *World
	id       string
	chip     pluggable
	scripted bool
	last     time.Duration
	out      bool
	moment   time.Duration // what the chip's clock shows while it is plugged in; 0 for the present
}

func (w *World) plug(id string) *plug {
	return &plug{w: w, id: id, scripted: w.script.mentions(Unplugged, id), last: -time.Nanosecond}
}

// now is the clock of the chip.
func (p *plug) now() time.Duration {
	if p.moment > 0 {
		return p.moment
	}
	return p.w.Elapsed()
}

// follow unplugs and plugs the chip. What happened between two looks happens now, but by
// the chip's clock when it really did.
func (p *plug) follow(t time.Duration) {
	if !p.scripted {
		return
	}
	for _, e := range p.w.script.between(p.last, t) {
		if e.Do != Unplugged || e.On != p.id {
			continue
		}
		p.moment = e.At
		if e.Begin {
			p.chip.Unplug()
		} else {
			p.chip.Plug()
		}
		p.out, p.moment = e.Begin, 0
	}
	p.last = t
}

type short struct {
	id   string
	line *chip.Line
}

// field is the space before an RFID reader. It is guarded by the mu of its gate.
type field struct {
	id     string
	reader *chip.MFRC522
	there  []string
}

func (f *field) follow(w *World, t time.Duration) {
	codes := w.script.present(TagPresent, f.id, t)
	for _, c := range f.there {
		if !slices.Contains(codes, c) {
			f.reader.Remove(uid(c)...)
		}
	}
	for _, c := range codes {
		if !slices.Contains(f.there, c) {
			f.reader.Add(uid(c)...)
		}
	}
	f.there = codes
}

func uid(code string) []byte {
	b, err := hex.DecodeString(code)
	if err != nil {
		panic("emulated: tag " + code + ": " + err.Error()) // Validate has seen it
	}
	return b
}
