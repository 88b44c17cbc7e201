package agent

import "sort"

// Quantity names what is measured, and with it the unit: the unit is part of the
// quantity, so two readings of one quantity always compare. The table below is
// never changed, only extended.
type Quantity string

// The quantities.
const (
	Temperature Quantity = "temperature"
	Humidity    Quantity = "humidity"
	Pressure    Quantity = "pressure"
	CO2         Quantity = "co2"
	Voltage     Quantity = "voltage"
	Current     Quantity = "current"
	Resistance  Quantity = "resistance"
	Power       Quantity = "power"
	Energy      Quantity = "energy"
	Battery     Quantity = "battery"
	Count       Quantity = "count"
	Door        Quantity = "door"
	PowerOK     Quantity = "power_ok"
	Contact     Quantity = "contact"
	Speed       Quantity = "speed"
	Latitude    Quantity = "latitude"
	Longitude   Quantity = "longitude"
)

// QuantityKind says how values of a quantity behave over time.
type QuantityKind uint8

// The kinds of quantity.
const (
	Gauge   QuantityKind = iota + 1 // goes up and down; min, max and mean make sense
	Counter                         // only grows, until it is reset
	State                           // 0 or 1; time in state makes sense
)

type quantityFacts struct {
	unit     string
	kind     QuantityKind
	min, max Value
}

// The range is what a value of the quantity can be at all; outside it a reading is
// FaultRange. It is wider than any one sensor. Humidity reaches past 0 and 100 %RH
// because the published transfer functions of capacitive sensors do (SHT4x: −6 …
// 119 %RH) and a value is never clamped.
var quantities = map[Quantity]quantityFacts{
	Temperature: {"°C", Gauge, -273_150_000, 2000 * Unit},
	Humidity:    {"%RH", Gauge, -10 * Unit, 125 * Unit},
	Pressure:    {"hPa", Gauge, 0, 20_000 * Unit},
	CO2:         {"ppm", Gauge, 0, 1_000_000 * Unit},
	Voltage:     {"V", Gauge, -1_000_000 * Unit, 1_000_000 * Unit},
	Current:     {"A", Gauge, -1_000_000 * Unit, 1_000_000 * Unit},
	Resistance:  {"Ω", Gauge, 0, 1_000_000_000_000 * Unit},
	Power:       {"W", Gauge, -1_000_000_000 * Unit, 1_000_000_000 * Unit},
	Energy:      {"Wh", Counter, 0, 9_000_000_000_000 * Unit},
	Battery:     {"%", Gauge, 0, 100 * Unit},
	Count:       {"", Counter, 0, 9_000_000_000_000 * Unit},
	Door:        {"", State, 0, Unit}, // 1 is open
	PowerOK:     {"", State, 0, Unit}, // 1 is mains present
	Contact:     {"", State, 0, Unit}, // 1 is closed
	Speed:       {"km/h", Gauge, 0, 2000 * Unit},
	Latitude:    {"°", Gauge, -90 * Unit, 90 * Unit},
	Longitude:   {"°", Gauge, -180 * Unit, 180 * Unit},
}

// Known reports whether the quantity is in the table.
func (q Quantity) Known() bool { _, ok := quantities[q]; return ok }

// Unit is the unit's symbol, empty for counts and states.
func (q Quantity) Unit() string { return quantities[q].unit }

// Kind is how values of the quantity behave; 0 for an unknown quantity.
func (q Quantity) Kind() QuantityKind { return quantities[q].kind }

// Contains reports whether v is a value that the quantity can have at all.
func (q Quantity) Contains(v Value) bool {
	f, ok := quantities[q]
	return ok && v >= f.min && v <= f.max
}

// Range is the smallest and the largest value of the quantity.
func (q Quantity) Range() (lowest, highest Value) {
	f := quantities[q]
	return f.min, f.max
}

// Quantities lists all known quantities in alphabetical order.
func Quantities() []Quantity {
	all := make([]Quantity, 0, len(quantities))
	for q := range quantities {
		all = append(all, q)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}
