package emulated

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// outside is the zone that is always there.
const outside agent.ZoneID = "outside"

// chipKinds is what there is to know about a chip before it is made.
var chipKinds = map[string]struct {
	on      busKind
	address uint16 // usual, on I²C
	climate bool   // it measures a zone
}{
	"sht4x":   {onI2C, 0x44, true},
	"bme280":  {onI2C, 0x76, true},
	"bmp280":  {onI2C, 0x76, true},
	"ds2482":  {onI2C, 0x18, false},
	"ds18b20": {onOneWire, 0, true},
	"mfrc522": {onSPI, 0, false},
}

type busKind uint8

const (
	onI2C busKind = iota + 1
	onSPI
	onOneWire // a master, a bridge or the kernel's directory
)

// Validate returns everything that is wrong with the scenario, as one error.
func (s *Scenario) Validate() error {
	v := validator{s: s, zones: map[agent.ZoneID]*Zone{}, chips: map[string]*Chip{}, buses: map[string]busKind{}, pins: map[string]bool{}}
	v.check(s.Name != "", "name is missing")
	v.check(s.Repeat >= 0, "repeat is negative")
	for i := range s.Zones {
		v.zone(&s.Zones[i])
	}
	v.route()
	for i := range s.Chips {
		v.chip(&s.Chips[i])
	}
	for i := range s.Chips {
		v.wiring(&s.Chips[i])
	}
	for _, l := range s.Lines {
		v.line(l)
	}
	for _, p := range s.Serial {
		v.check(p.Port != "", "serial: port is missing")
	}
	for i, h := range s.Script {
		v.happening(i, h)
	}
	return errors.Join(v.errs...)
}

type validator struct {
	s     *Scenario
	zones map[agent.ZoneID]*Zone
	chips map[string]*Chip
	buses map[string]busKind
	pins  map[string]bool
	errs  []error
}

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	}
}

func (v *validator) knows(z agent.ZoneID) bool { return z == outside || v.zones[z] != nil }

func (v *validator) zone(z *Zone) {
	if err := agent.CheckID(string(z.ID)); err != nil {
		v.errs = append(v.errs, fmt.Errorf("zone: id %w", err))
		return
	}
	v.check(!v.knows(z.ID), "zone %s: given twice", z.ID)
	v.check(v.knows(z.Around), "zone %s: around %s, which is no zone listed before", z.ID, z.Around)
	v.check(v.knows(z.OpensTo), "zone %s: opens_to %s, which is no zone listed before", z.ID, z.OpensTo)
	v.check(z.Volume > 0, "zone %s: volume must be positive", z.ID)
	v.check(z.Start > -90 && z.Start < 90, "zone %s: start of %g °C is not plausible", z.ID, z.Start)
	v.check(z.Humidity >= 0 && z.Humidity <= 100, "zone %s: humidity is not 0 to 100", z.ID)
	for name, x := range map[string]float64{
		"air": z.Air, "product": z.Product, "coupling": z.Coupling, "walls": z.Walls,
		"door": z.Door, "load": z.Load, "fans": z.Fans, "leak": z.Leak,
	} {
		v.check(x >= 0, "zone %s: %s is negative", z.ID, name)
	}
	// The air's time constant must be long against a step, or the integration is wrong.
	v.check(z.Air*1000 >= 20*step.Seconds()*(z.Walls+z.Door+z.Coupling),
		"zone %s: air of %g kJ/K is too little for its walls, door and coupling", z.ID, z.Air)
	v.check(z.Volume <= 0 || z.Door <= airHeat*z.Volume/20, "zone %s: volume is too little for its door", z.ID)
	v.check(z.Product == 0 || z.Product*1000 >= 20*step.Seconds()*z.Coupling,
		"zone %s: product of %g kJ/K is too little for its coupling", z.ID, z.Product)
	if c := z.Cooling; c != nil {
		v.check(c.Power > 0 && c.COP > 0 && c.Band > 0, "zone %s: cooling: power, cop and band must be positive", z.ID)
	}
	if d := z.Defrost; d != nil {
		v.check(z.Cooling != nil, "zone %s: defrost without cooling", z.ID)
		v.check(len(d.At) > 0 && d.Lasts > 0 && d.Lasts < 24*time.Hour && d.Heat > 0,
			"zone %s: defrost: at, lasts and heat must be given", z.ID)
	}
	v.zones[z.ID] = z
}

func (v *validator) route() {
	for i, w := range v.s.Route {
		v.check(i == 0 || w.At > v.s.Route[i-1].At, "route: %s: at %s is not after the waypoint before", w.Place, w.At)
		v.check(w.Lat >= -90 && w.Lat <= 90 && w.Lon >= -180 && w.Lon <= 180, "route: %s: no such position", w.Place)
	}
}

func (v *validator) chip(c *Chip) {
	kind, known := chipKinds[c.Chip]
	if !known {
		v.check(false, "chip %s: no model of %q", c.ID, c.Chip)
		return
	}
	v.check(c.ID != "", "chip %s on %s: id is missing", c.Chip, c.Bus)
	v.check(v.chips[c.ID] == nil, "chip %s: given twice", c.ID)
	v.check(c.Bus != "", "chip %s: bus is missing", c.ID)
	v.check(c.Lag >= step, "chip %s: lag is shorter than %s", c.ID, step)
	if kind.climate {
		v.check(v.zones[c.Zone] != nil, "chip %s: zone %q is not given", c.ID, c.Zone)
		switch c.Place {
		case PlaceAir, PlaceProduct, PlaceSupply, PlaceReturn, PlaceSurface, PlaceOutside:
		default:
			v.check(false, "chip %s: no place %q", c.ID, c.Place)
		}
	}
	if kind.on == onI2C {
		v.check(c.Address >= 0x08 && c.Address <= 0x77, "chip %s: address 0x%02x is not 0x08 to 0x77", c.ID, c.Address)
	}
	if c.Chip == "ds18b20" {
		_, err := parseSerial(c.Serial)
		v.check(err == nil, "chip %s: serial %q: want twelve hexadecimal digits", c.ID, c.Serial)
	}
	v.chips[c.ID] = c
}

// wiring checks a chip against the others, once all are known.
func (v *validator) wiring(c *Chip) {
	kind := chipKinds[c.Chip]
	if kind.on == 0 {
		return
	}
	bridge := v.chips[c.Bus]
	if kind.on == onOneWire && bridge != nil {
		v.check(bridge.Chip == "ds2482", "chip %s: bus %s is a %s", c.ID, c.Bus, bridge.Chip)
	} else {
		was := v.buses[c.Bus]
		v.check(was == 0 || was == kind.on, "chip %s: bus %s is of another kind", c.ID, c.Bus)
		v.buses[c.Bus] = kind.on
	}
	for i := range v.s.Chips {
		o := &v.s.Chips[i]
		if o == c {
			break
		}
		same := o.Bus == c.Bus
		switch kind.on {
		case onI2C:
			v.check(!same || o.Address != c.Address, "chip %s: %s has address 0x%02x on %s already", c.ID, o.ID, c.Address, c.Bus)
		case onSPI:
			v.check(!same, "chip %s: %s is on %s already", c.ID, o.ID, c.Bus)
		case onOneWire:
			v.check(!same || !strings.EqualFold(o.Serial, c.Serial), "chip %s: %s has that serial on %s already", c.ID, o.ID, c.Bus)
		}
	}
	for _, pin := range []string{c.Reset, c.IRQ} {
		if pin != "" {
			v.pin(pin)
		}
	}
}

func (v *validator) pin(name string) {
	v.check(name != "", "line: pin is missing")
	v.check(!v.pins[name], "line %s: given twice", name)
	v.pins[name] = true
}

func (v *validator) line(l Line) {
	v.pin(l.Pin)
	switch l.Of {
	case LineDoor:
		v.check(v.zones[l.Zone] != nil, "line %s: zone %q is not given", l.Pin, l.Zone)
	case LineMains, LineOutput:
	default:
		v.check(false, "line %s: of %q: want door, mains or output", l.Pin, l.Of)
	}
}

func (v *validator) happening(i int, h Happening) {
	where := fmt.Sprintf("script: %d (%s at %s)", i+1, h.Do, h.At)
	v.check(h.At >= 0, "%s: at is negative", where)
	v.check(h.Do == CodeScanned || h.For > 0, "%s: for is missing", where)
	v.check(h.Do != CodeScanned || h.For == 0, "%s: a scan takes no time: leave for out", where)
	if v.s.Repeat > 0 {
		v.check(h.At+h.For < v.s.Repeat, "%s: it ends after the script repeats", where)
	}
	chip := v.chips[h.On]
	switch h.Do {
	case DoorOpen:
		z := v.zones[agent.ZoneID(h.On)]
		v.check(z != nil && z.Door > 0, "%s: on %q is no zone with a door", where, h.On)
	case CompressorDead:
		z := v.zones[agent.ZoneID(h.On)]
		v.check(z != nil && z.Cooling != nil, "%s: on %q is no zone with cooling", where, h.On)
	case Unplugged:
		v.check(chip != nil, "%s: on %q is no chip", where, h.On)
	case BusStuck:
		v.check(v.buses[h.On] != 0, "%s: on %q is no bus", where, h.On)
	case BusShorted:
		v.check(v.buses[h.On] == onOneWire && !isKernelDir(h.On) || chip != nil && chip.Chip == "ds2482", "%s: on %q is no 1-Wire master", where, h.On)
	case TagPresent:
		v.check(chip != nil && chip.Chip == "mfrc522", "%s: on %q is no mfrc522", where, h.On)
		uid, err := hex.DecodeString(h.Code)
		v.check(err == nil && (len(uid) == 4 || len(uid) == 7 || len(uid) == 10), "%s: code %q: want 8, 14 or 20 hexadecimal digits", where, h.Code)
	case CodeScanned:
		v.check(v.serial(h.On), "%s: on %q is no serial port", where, h.On)
		v.check(h.Code != "" && !strings.ContainsAny(h.Code, "\r\n"), "%s: code must be one line", where)
	case MainsGone, LinkDown:
		v.check(h.On == "", "%s: it happens to everything: leave on out", where)
	default:
		v.check(false, "%s: nothing of that name can happen", where)
	}
}

func (v *validator) serial(port string) bool {
	for _, p := range v.s.Serial {
		if p.Port == port {
			return true
		}
	}
	return false
}

// isKernelDir reports whether a ds18b20's bus is a directory of the kernel.
func isKernelDir(bus string) bool { return strings.HasPrefix(bus, "w1") }

// parseSerial reads the 48 bits of a 1-Wire serial number as the kernel writes them.
func parseSerial(s string) (uint64, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 6 {
		return 0, errors.New("not twelve hexadecimal digits")
	}
	var n uint64
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n, nil
}
