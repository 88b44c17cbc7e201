package emulated

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/frostline/frostline/agent"
)

//go:embed scenarios/*.yaml
var embedded embed.FS

// Scenario is what a world is made from: places, the chips in them, and what happens.
// Times are durations since the world began.
type Scenario struct {
	Name    string        `yaml:"name"`
	Title   string        `yaml:"title"`
	Clock   TimeOfDay     `yaml:"clock"`  // time of day when the world begins: ambient and defrosts follow it
	Repeat  time.Duration `yaml:"repeat"` // the script and the route begin again after this; 0 is never
	Outside Outside       `yaml:"outside"`
	Route   []Waypoint    `yaml:"route"` // of a truck; takes the place of the daily temperature curve
	Zones   []Zone        `yaml:"zones"`
	Chips   []Chip        `yaml:"chips"`
	Lines   []Line        `yaml:"lines"`
	Serial  []SerialPort  `yaml:"serial"`
	Script  []Happening   `yaml:"script"`
}

// Outside is the weather.
type Outside struct {
	Mean     float64 `yaml:"mean"`     // °C, over the day
	Swing    float64 `yaml:"swing"`    // K above the mean at 15:00 and below it at 03:00
	Humidity float64 `yaml:"humidity"` // %RH at the mean
}

// Waypoint is a place that a truck passes or stops at.
type Waypoint struct {
	At      time.Duration `yaml:"at"`
	Place   string        `yaml:"place"`
	Lat     float64       `yaml:"lat"`
	Lon     float64       `yaml:"lon"`
	Outside float64       `yaml:"outside"` // °C there and then
}

// Zone is a place with its own climate. Its parts are explained in the package doc.
type Zone struct {
	ID       agent.ZoneID `yaml:"id"`
	Name     string       `yaml:"name"`
	Around   agent.ZoneID `yaml:"around"`   // what surrounds it: a zone listed before, or outside (default)
	OpensTo  agent.ZoneID `yaml:"opens_to"` // what is beyond its door; default around
	Start    float64      `yaml:"start"`    // °C of air and product at the beginning
	Humidity float64      `yaml:"humidity"` // %RH at the beginning
	Volume   float64      `yaml:"volume"`   // m³
	Air      float64      `yaml:"air"`      // kJ/K of air and fittings
	Product  float64      `yaml:"product"`  // kJ/K; 0 is an empty zone
	Coupling float64      `yaml:"coupling"` // W/K between air and product
	Walls    float64      `yaml:"walls"`    // W/K, leaks included
	Door     float64      `yaml:"door"`     // W/K while it is open
	Load     float64      `yaml:"load"`     // W, always: people, lights, engines
	Fans     float64      `yaml:"fans"`     // W, with mains and not during a defrost
	Leak     float64      `yaml:"leak"`     // air changes per hour with the door shut
	Cooling  *Cooling     `yaml:"cooling"`
	Defrost  *Defrost     `yaml:"defrost"`
}

// Cooling is a compressor with a two-point controller.
type Cooling struct {
	Power    float64 `yaml:"power"`    // W taken from the air while it runs
	COP      float64 `yaml:"cop"`      // W of cooling per W of electricity
	Setpoint float64 `yaml:"setpoint"` // °C
	Band     float64 `yaml:"band"`     // K on either side
}

// Defrost melts the coil at fixed times of day.
type Defrost struct {
	At    []TimeOfDay   `yaml:"at"`
	Lasts time.Duration `yaml:"lasts"`
	Heat  float64       `yaml:"heat"` // W that reach the air
}

// Chip is a device on a bus.
type Chip struct {
	ID      string        `yaml:"id"`
	Chip    string        `yaml:"chip"`    // sht4x, bme280, bmp280, ds18b20, ds2482, mfrc522
	Bus     string        `yaml:"bus"`     // i2c-1, spi0.0; for a ds18b20 a 1-Wire master, the id of a ds2482, or a kernel directory (w1…)
	Address uint16        `yaml:"address"` // on I²C; 0 is the chip's usual one
	Serial  string        `yaml:"serial"`  // hexadecimal; of a ds18b20 twelve digits
	Zone    agent.ZoneID  `yaml:"zone"`
	Place   Place         `yaml:"place"` // default air
	Lag     time.Duration `yaml:"lag"`   // time constant of housing or bottle; default 20s
	Reset   string        `yaml:"reset"` // GPIO line wired to the reset pin of an mfrc522
	IRQ     string        `yaml:"irq"`   // GPIO line wired to its interrupt pin
}

// Place is where in a zone a probe sits.
type Place string

// The places. They are named like the roles of points.
const (
	PlaceAir     Place = "air"
	PlaceProduct Place = "product"
	PlaceSupply  Place = "supply" // behind the coil
	PlaceReturn  Place = "return"
	PlaceSurface Place = "surface" // of a box; follows the air within ten minutes
	PlaceOutside Place = "outside" // beyond the zone's walls
)

// Line is a GPIO line.
type Line struct {
	Pin  string       `yaml:"pin"`
	Of   LineKind     `yaml:"of"`
	Zone agent.ZoneID `yaml:"zone"` // of a door
}

// LineKind is what a line is wired to.
type LineKind string

// The kinds of line. Switches close to ground and the line is pulled up, so a line whose
// wire broke reads like an open door or a power failure.
const (
	LineDoor   LineKind = "door"   // low while the door is shut, high while it is open
	LineMains  LineKind = "mains"  // low while there is mains, high without
	LineOutput LineKind = "output" // whatever the gateway sets
)

// SerialPort is a barcode scanner on a serial line. It sends each code and a carriage return.
type SerialPort struct {
	Port string `yaml:"port"`
}

// Happening is a line of the script.
type Happening struct {
	At   time.Duration `yaml:"at"`
	For  time.Duration `yaml:"for"` // 0 for a scan; required for everything else
	Do   Trouble       `yaml:"do"`
	On   string        `yaml:"on"`   // what it happens to, see Trouble
	Code string        `yaml:"code"` // of a tag or a scan
	Note string        `yaml:"note"` // for people
}

// Trouble is something that happens.
type Trouble string

// What can happen, and to what.
const (
	DoorOpen       Trouble = "door-open"       // a zone
	CompressorDead Trouble = "compressor-dead" // a zone
	MainsGone      Trouble = "mains-gone"      // nothing
	Unplugged      Trouble = "unplugged"       // a chip
	BusStuck       Trouble = "bus-stuck"       // a bus of chips: transactions hang until it is over
	BusShorted     Trouble = "bus-shorted"     // a 1-Wire master or a ds2482
	TagPresent     Trouble = "tag-present"     // an mfrc522; code is the UID
	CodeScanned    Trouble = "code-scanned"    // a serial port
	LinkDown       Trouble = "link-down"       // nothing: an event for who owns the network
)

// TimeOfDay is written "06:30".
type TimeOfDay time.Duration

// UnmarshalText reads 24-hour time.
func (t *TimeOfDay) UnmarshalText(b []byte) error {
	at, err := time.Parse("15:04", string(b))
	if err != nil {
		return fmt.Errorf("%q: not a time of day like 06:30", b)
	}
	*t = TimeOfDay(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (t TimeOfDay) MarshalText() ([]byte, error) {
	m := time.Duration(t).Minutes()
	return fmt.Appendf(nil, "%02d:%02d", int(m)/60, int(m)%60), nil
}

// ErrScenario is in the error of a name that is neither an embedded scenario nor a file.
var ErrScenario = errors.New("no such scenario")

// Names lists the embedded scenarios.
func Names() []string {
	entries, err := fs.ReadDir(embedded, "scenarios")
	if err != nil {
		panic("emulated: " + err.Error()) // embedded with the binary
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Load reads an embedded scenario by its name, or a file by its path: what contains a
// slash or ends in .yaml or .yml is a path. All errors of the file come at once.
func Load(name string) (Scenario, error) {
	var text []byte
	var err error
	switch ext := path.Ext(name); {
	case strings.Contains(name, "/"), ext == ".yaml", ext == ".yml":
		text, err = os.ReadFile(name)
	default:
		text, err = embedded.ReadFile("scenarios/" + name + ".yaml")
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: there are %s; a file is given by its path", ErrScenario, strings.Join(Names(), ", "))
		}
	}
	if err != nil {
		return Scenario{}, fmt.Errorf("emulated: scenario %q: %w", name, err)
	}
	s, err := Parse(text)
	if err != nil {
		return Scenario{}, fmt.Errorf("emulated: scenario %q: %w", name, err)
	}
	return s, nil
}

// Parse reads a scenario from YAML. A key that it does not know is an error.
func Parse(text []byte) (Scenario, error) {
	var s Scenario
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s)
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err != nil {
		return Scenario{}, err
	}
	s.fill()
	if err := s.Validate(); err != nil {
		return Scenario{}, err
	}
	return s, nil
}

// fill sets what was left out.
func (s *Scenario) fill() {
	for i := range s.Zones {
		z := &s.Zones[i]
		if z.Around == "" {
			z.Around = outside
		}
		if z.OpensTo == "" {
			z.OpensTo = z.Around
		}
		if z.Name == "" {
			z.Name = string(z.ID)
		}
		if z.Humidity == 0 {
			z.Humidity = 60
		}
	}
	for i := range s.Chips {
		c := &s.Chips[i]
		if c.Place == "" {
			c.Place = PlaceAir
		}
		if c.Lag == 0 {
			c.Lag = 20 * time.Second
		}
		if c.Address == 0 {
			c.Address = chipKinds[c.Chip].address
		}
	}
}
