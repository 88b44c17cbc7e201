package emulated

import (
	"hash/fnv"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/gpio"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/emulated/chip"
)

// build makes the buses and puts the chips on them.
func (w *World) build() {
	w.buses, w.outputs = map[string]any{}, map[string]*pin{}
	for i := range w.scenario.Chips {
		w.place(&w.scenario.Chips[i])
	}
	for _, l := range w.scenario.Lines {
		p := &pin{w: w, name: l.Pin, idle: gpio.Low}
		switch l.Of {
		case LineDoor:
			p.do, p.on = DoorOpen, string(l.Zone)
		case LineMains:
			p.do = MainsGone
		case LineOutput:
			w.outputs[l.Pin] = p
		}
		w.buses[l.Pin] = p
	}
	for _, p := range w.scenario.Serial {
		w.buses[p.Port] = w.serialOpener(p.Port)
	}
}

// place puts a chip on its bus.
func (w *World) place(c *Chip) {
	p := w.plug(c.ID)
	switch c.Chip {
	case "sht4x":
		w.onI2C(c, chip.NewSHT4x(w.probeOf(c), p.now, uint32(number(c))), p)
	case "bme280":
		w.onI2C(c, chip.NewBME280(w.probeOf(c), p.now), p)
	case "bmp280":
		w.onI2C(c, chip.NewBMP280(w.probeOf(c), p.now), p)
	case "ds2482":
		line := w.line(c.ID, &w.i2c(c.Bus).gate)
		w.onI2C(c, chip.NewDS2482(p.now, line), p)
	case "mfrc522":
		w.reader(c, chip.NewMFRC522(p.now), p)
	case "ds18b20":
		switch {
		case w.buses[c.Bus] != nil || w.isBridge(c.Bus): // the first of its line made them all
		case isKernelDir(c.Bus):
			w.kernelDir(c.Bus)
		default:
			m := &oneWireBus{gate: gate{w: w, name: c.Bus}}
			m.line = w.line(c.Bus, &m.gate)
			w.buses[c.Bus] = m
		}
	}
}

func (w *World) isBridge(id string) bool {
	for _, c := range w.scenario.Chips {
		if c.ID == id && c.Chip == "ds2482" {
			return true
		}
	}
	return false
}

// i2c is the I²C bus of that name.
func (w *World) i2c(name string) *i2cBus {
	bus, ok := w.buses[name].(*i2cBus)
	if !ok {
		bus = &i2cBus{gate: gate{w: w, name: name}, chips: map[uint16]I2CChip{}}
		w.buses[name] = bus
	}
	return bus
}

// i2cDevice is an I2CChip with a plug.
type i2cDevice interface {
	I2CChip
	pluggable
}

func (w *World) onI2C(c *Chip, dev i2cDevice, p *plug) {
	bus := w.i2c(c.Bus)
	p.chip = dev
	bus.chips[c.Address] = dev
	bus.plugs = append(bus.plugs, p)
}

// thermometers makes the ds18b20s whose bus is named, reached through g.
func (w *World) thermometers(bus string, g *gate, each func(*Chip, *chip.DS18B20)) {
	for i := range w.scenario.Chips {
		c := &w.scenario.Chips[i]
		if c.Chip != "ds18b20" || c.Bus != bus {
			continue
		}
		serial, err := parseSerial(c.Serial)
		if err != nil {
			panic("emulated: chip " + c.ID + ": " + err.Error()) // Validate has seen it
		}
		p := w.plug(c.ID)
		d := chip.NewDS18B20(w.probeOf(c), p.now, serial)
		p.chip = d
		g.plugs = append(g.plugs, p)
		each(c, d)
	}
}

// line makes a 1-Wire line with its thermometers, reached through g.
func (w *World) line(id string, g *gate) *chip.Line {
	var all []chip.Slave
	w.thermometers(id, g, func(_ *Chip, d *chip.DS18B20) { all = append(all, d) })
	l := chip.NewLine(all...)
	if w.script.mentions(BusShorted, id) {
		g.shorts = append(g.shorts, short{id, l})
	}
	return l
}

func (w *World) kernelDir(name string) {
	dir := &w1Dir{gate: gate{w: w, name: name}, devices: map[string]*chip.DS18B20{}}
	w.thermometers(name, &dir.gate, func(c *Chip, d *chip.DS18B20) {
		dir.devices["28-"+strings.ToLower(c.Serial)] = d
	})
	w.buses[name] = dir
}

// reader puts an MFRC522 on a port of its own, with its two lines if they are wired.
func (w *World) reader(c *Chip, dev *chip.MFRC522, socket *plug) {
	socket.chip = dev
	p := &spiPort{gate: gate{w: w, name: c.Bus, plugs: []*plug{socket}}, chip: dev}
	p.field = &field{id: c.ID, reader: dev}
	w.buses[c.Bus] = p
	if c.Reset != "" {
		w.buses[c.Reset] = &pin{w: w, name: c.Reset, idle: gpio.High, rose: func() { p.powerCycle(socket) }}
	}
	if c.IRQ != "" {
		irq := &pin{w: w, name: c.IRQ, idle: gpio.High}
		dev.OnIRQ(irq.pulse)
		w.buses[c.IRQ] = irq
	}
}

func (w *World) probeOf(c *Chip) chip.Probe {
	p := w.newProbe(c)
	return func(q agent.Quantity) float64 { return w.value(p, q) }
}

// number is a chip's serial number: what the scenario says in hexadecimal, or one that
// follows from its id.
func number(c *Chip) uint64 {
	if n, err := strconv.ParseUint(c.Serial, 16, 64); err == nil {
		return n
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.ID)) // a hash never fails
	return uint64(h.Sum32())
}
