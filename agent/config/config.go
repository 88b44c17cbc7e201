package config

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Config is a config file that was found right. Everything in it is read-only.
type Config struct {
	Site     agent.SiteID    `yaml:"site,required" doc:"The site this gateway belongs to. Ids are for ever: they stand in topics, tags and file names. Lower-case letters, digits, '-' and '_'." example:"my-site"`
	Timezone string          `yaml:"timezone" doc:"The site's time zone, by its IANA name. It says what a day is in rules and reports; everything stored is UTC." example:"Europe/Berlin"`
	Gateway  agent.GatewayID `yaml:"gateway,required" doc:"This gateway, unique within its site." example:"gw-01"`
	AlwaysOn bool            `yaml:"always_on" doc:"Whether silence means trouble. False for a gateway that is switched off on purpose, as in a truck: the far side then raises no alarm when it falls silent."`

	Store       Store          `yaml:"store" doc:"Where the records are kept, and for how long."`
	Clock       Clock          `yaml:"clock" doc:"What happens with records whose time nobody has confirmed yet."`
	Zones       []Zone         `yaml:"zones" doc:"Places with a climate of their own."`
	ProfilesDir string         `yaml:"profiles_dir" doc:"A directory with profiles of your own, beside this file if the path is relative: profile: NAME of a zone is then NAME.yaml in there. They have the form of those that are built in." like:"profiles"`
	Buses       map[string]Bus `yaml:"buses" doc:"Buses that are not the machine's own. Real ones (i2c-1, spi0.0, w1, GPIO17, /dev/ttyUSB0) need no entry." example:"i2c-1"`
	Sensors     []Sensor       `yaml:"sensors" doc:"What is measured. Each sensor declares points named ID/quantity, such as cr1-air/temperature." example:"sht4x"`
	Scanners    []Scanner      `yaml:"scanners" doc:"Barcode scanners and tag readers." example:"mfrc522"`
	Alarms      []Alarm        `yaml:"alarms" doc:"When to warn, beside what the zones' profiles say." example:"limit"`
	Stock       Stock          `yaml:"stock" doc:"What is kept here, found by its codes."`
	Trip        *Trip          `yaml:"trip" doc:"How trips begin and end, for a gateway that travels."`
	Upstreams   []Upstream     `yaml:"upstreams" doc:"Far sides that records are brought to, any number. One that is down or slow disturbs neither measuring nor the others." example:"mqtt"`
	Outputs     []Output       `yaml:"outputs" doc:"Where alarms are announced on the spot, with or without a network." example:"log"`
	People      []Person       `yaml:"people" doc:"Who hears of alarms and answers for them. At least three should."`
	Escalation  *Escalation    `yaml:"escalation" doc:"Who is told of an alarm that nobody acknowledges, and when."`
	Mute        *Mute          `yaml:"mute" doc:"A push button that silences buzzers for a time."`
	Web         Web            `yaml:"web" doc:"The health page and the metrics."`
	Log         Log            `yaml:"log" doc:"What the agent writes to its journal."`

	Location *time.Location `yaml:"-"` // of Timezone
	Warnings []Error        `yaml:"-"` // what is allowed and probably not meant
}

// Store says where records are kept and for how long.
type Store struct {
	Dir          string        `yaml:"dir" doc:"The store's directory, on a disk or card that keeps what it was told to flush."`
	CommitWithin time.Duration `yaml:"commit_within" doc:"A record is safe on disk at most so long after it was measured. Longer wears the card less. Alarms and scans are committed at once. 10ms to 1m."`
	Keep         Keep          `yaml:"keep" doc:"Limits of what is kept, whichever comes first."`
}

// Keep limits the store.
type Keep struct {
	Age   time.Duration `yaml:"age" doc:"Records older than this are removed, once every upstream has taken them."`
	Bytes Bytes         `yaml:"bytes" doc:"The store never grows beyond this. What has to go first: delivered history, then undelivered readings, scans, events, and alarms last; what was removed undelivered is recorded as a gap."`
	Free  Bytes         `yaml:"free" doc:"So much of the disk is left to others."`
}

// Clock says what happens with records whose time nobody has confirmed yet.
type Clock struct {
	Trust agent.ClockTrust `yaml:"trust" doc:"held: records are delivered, marked as held, while the clock is plausible but unconfirmed. synced: they wait until network, GNSS or a person has confirmed it." enum:"held,synced"`
	Wait  time.Duration    `yaml:"wait" doc:"With trust: synced, how long records wait for a confirmation before they are delivered as held."`
}

// Zone is a place with a climate of its own.
type Zone struct {
	ID       agent.ZoneID       `yaml:"id,required" doc:"The zone, for ever." example:"cold-room-1"`
	Name     string             `yaml:"name" doc:"What people call it; free to change." example:"Cold room 1"`
	Profile  string             `yaml:"profile" doc:"A named set of limits with their sources, and of what they demand of this gateway. Each limit is an alarm here, named ZONE-LIMIT. frostline check --profile tells what is met." like:"vaccine-2-8"`
	Tighten  map[string]Tighten `yaml:"tighten" doc:"Stricter numbers for limits of the profile, by the limit's id. A looser one is an error." like:"{high: {above: 7}}"`
	Suppress []Suppress         `yaml:"suppress" doc:"What silences alarms of the air here by design, an open door or a defrost: [{while: cr1-door/door, side: above, longest: 15m}]." like:"[]"`
	Volume   agent.Value        `yaml:"volume" doc:"The size of the room or compartment in m³; some profiles demand more probes in large ones." like:"18"`

	Facts any   `yaml:"-"` // what the profile says beside its limits; nil without a profile
	Place Error `yaml:"-"` // where the profile is named, without a message
}

// Suppress silences a zone's limit alarms on one side while a state lasts. They are recorded
// all the same, as suppressed.
type Suppress struct {
	While   agent.PointID `yaml:"while,required" doc:"The point of the state: a door, a defrost contact." example:"cr1-door/door"`
	Is      agent.Value   `yaml:"is" doc:"The value that suppresses: 1 for an open door."`
	Side    string        `yaml:"side,required" doc:"Which alarms: those above their limits or those below. A product probe, an absolute alarm, a total and freezing are never silenced." enum:"above,below"`
	Longest time.Duration `yaml:"longest,required" doc:"At most so long after the state began; then what is out of its limits sounds, and has counted from the first value outside. 1m to 4h." example:"15m"`
	After   time.Duration `yaml:"after" doc:"Goes on for so long after the state has ended, within longest."`
}

// Bus is a bus that is not the machine's own.
type Bus struct {
	Driver   string `yaml:"driver,required" doc:"emulated: chips answering at register level, behind them the physics of rooms, for trials and tests without hardware." enum:"emulated"`
	Scenario string `yaml:"scenario,required" doc:"What happens there." example:"cold-room"`
	Seed     int64  `yaml:"seed" doc:"The same seed gives the same day again."`
}

// Sensor is a device that is read every so often.
type Sensor struct {
	ID             agent.SensorID `yaml:"id,required" doc:"The sensor, for ever. It names a place, not a device: whoever replaces the device keeps the id." example:"cr1-air"`
	Driver         string         `yaml:"driver,required" doc:"What kind of device it is."`
	Every          time.Duration  `yaml:"every" doc:"How often it is read. Sensors with the same interval share a commit." example:"10s"`
	Timeout        time.Duration  `yaml:"timeout" doc:"How long one reading may take. Without it, the interval, at least 1s and at most 5s." like:"2s"`
	Zone           agent.ZoneID   `yaml:"zone" doc:"Where it is." example:"cold-room-1"`
	Role           agent.Role     `yaml:"role" doc:"What it is in or on." example:"air"`
	Serial         string         `yaml:"serial" doc:"The instrument's serial number; it stands beside every reading's definition." like:"SN-0001"`
	Certificate    string         `yaml:"certificate" doc:"The number of its calibration certificate." like:"D-K-15070-01"`
	CalibrationDue Date           `yaml:"calibration_due" doc:"Until when the calibration is valid; a warning comes before." like:"2027-03-01"`
	Calibration    Calibrations   `yaml:"calibration" doc:"Per point, what is added to the raw value: {temperature: {offset: -0.2}}. The raw value is kept beside." like:"{temperature: {offset: -0.2}}"`

	Settings any     `yaml:"-"` // what the driver's Config returned, filled in and valid
	Points   []Point `yaml:"-"` // what the driver says the sensor measures
}

// Calibrations are calibrations by the name of the sensor's point.
type Calibrations map[string]Calibration

// Calibration corrects one point of a sensor.
type Calibration struct {
	Offset agent.Value `yaml:"offset,required" doc:"Added to the raw value."`
}

// Scanner is a device that speaks by itself.
type Scanner struct {
	ID        agent.ReaderID  `yaml:"id,required" doc:"The scanner, for ever." example:"dock-in"`
	Driver    string          `yaml:"driver,required" doc:"What kind of device it is."`
	Zone      agent.ZoneID    `yaml:"zone" doc:"Where it is; goods scanned there are in this zone." example:"dock"`
	Direction agent.Direction `yaml:"direction" doc:"What a scan means for stock: in and out move one package, count sets what is there. Without it a scan is recorded and moves nothing." example:"in"`

	Settings any     `yaml:"-"`
	Points   []Point `yaml:"-"` // state points beside the scans; usually none
}

// Alarm is a rule and what it watches. Selectors that are empty do not narrow.
type Alarm struct {
	ID       agent.AlarmID  `yaml:"id,required" doc:"The alarm, for ever." example:"cr1-high"`
	Kind     string         `yaml:"kind" doc:"What kind of rule it is. Which keys it has beside the shared ones depends on this."`
	Zone     agent.ZoneID   `yaml:"zone" doc:"Watch only points in this zone. One alarm watches every point that all its words fit, each for itself." example:"cold-room-1"`
	Point    agent.PointID  `yaml:"point" doc:"Watch only this point." like:"cr1-air/temperature"`
	Quantity agent.Quantity `yaml:"quantity" doc:"Watch only points of this quantity. A limit needs it, or a point." example:"temperature"`
	Role     agent.Role     `yaml:"role" doc:"Watch only points with this role."`
	Item     agent.ItemID   `yaml:"item" doc:"Of the kinds that watch stock: only this item." like:"vaccine-a"`
	Reader   agent.ReaderID `yaml:"reader" doc:"Of the kinds that watch scans: only this scanner." like:"dock-in"`
	Transit  bool           `yaml:"transit" doc:"Armed only while a trip is under way, from its departure on."`
	Latching bool           `yaml:"latching" doc:"Once raised it stays until a person resets it, even if the value returns."`
	Absolute bool           `yaml:"absolute" doc:"Nothing suppresses it, no door and no defrost."`
	OffDelay time.Duration  `yaml:"off_delay" doc:"It clears only when its condition has been gone for so long."`
	ReAlarm  time.Duration  `yaml:"re_alarm" doc:"Acknowledged and still there after so long, it asks again."`
	Severity agent.Severity `yaml:"severity" doc:"How much it matters. Without it, what the kind usually has." example:"critical"`
	Advice   string         `yaml:"advice" doc:"What to do, in a sentence, for whoever is woken; it ends every message." example:"Close the door. If it stays warm, call the refrigeration service."`

	Settings any             `yaml:"-"` // what the kind's Config returned, filled in and valid
	Points   []agent.PointID `yaml:"-"` // what it watches, in the order of the sensors, if its kind watches points
	Profile  string          `yaml:"-"` // the profile that it comes from; empty for one that is written
}

// Stock is what is kept here.
type Stock struct {
	Items     []Item `yaml:"items" doc:"The items."`
	ItemsFile string `yaml:"items_file" doc:"A CSV file with more items, beside this file if the path is relative. Its first line names the columns: id,name,codes,minimum,zone,pieces; several codes are separated by semicolons." like:"items.csv"`
	// Repeat is negative where the file says 0s.
	Repeat time.Duration `yaml:"repeat" doc:"A code seen again at the same reader within this time is the same scan, not a second package. 0s: every scan counts."`
}

// Item is something that is kept.
type Item struct {
	ID      agent.ItemID `yaml:"id,required" doc:"The item, for ever." example:"vaccine-a"`
	Name    string       `yaml:"name" doc:"What people call it." example:"Vaccine A, 10 doses"`
	Codes   []string     `yaml:"codes" doc:"The codes by which readers know it: GTINs, tag ids, or any text as it is read. A * at the end stands for any ending, for codes with a serial number." example:"[\"04006381333931\"]"`
	Minimum int64        `yaml:"minimum" doc:"Fewer pieces than this raise the alarm below-minimum." example:"20"`
	Zone    agent.ZoneID `yaml:"zone" doc:"Where the minimum is meant; without it, everywhere together." like:"cold-room-1"`
	Pieces  int64        `yaml:"pieces" doc:"How many pieces one scan stands for."`
}

// Upstream is a far side that records are brought to.
type Upstream struct {
	ID      agent.UpstreamID `yaml:"id,required" doc:"The upstream, for ever: what it has taken is remembered under this name." example:"hq-mqtt"`
	Driver  string           `yaml:"driver,required" doc:"What kind of far side it is."`
	Only    Only             `yaml:"only" doc:"Bring it only these; without it, everything."`
	From    string           `yaml:"from" doc:"Where a new upstream begins: with the oldest record kept, or with what comes from now on." enum:"oldest,now"`
	Archive bool             `yaml:"archive" doc:"Whether this far side keeps the records for as long as they are demanded, so that this gateway need not."`
	Limit   *Limit           `yaml:"limit" doc:"How many bytes may cross the link, both ways, counted on the socket. Alarms may use the last tenth; the rest waits for the next period."`
	Batch   Batch            `yaml:"batch" doc:"How records are packed together."`

	Settings any `yaml:"-"`
}

// Only selects records. An empty list selects everything.
type Only struct {
	Kinds []agent.Kind   `yaml:"kinds" doc:"Kinds of record." like:"[alarms, readings]"`
	Zones []agent.ZoneID `yaml:"zones" doc:"Zones. Records that belong to no zone are always brought." like:"[cold-room-1]"`
}

// Limit is a byte budget.
type Limit struct {
	Bytes Bytes  `yaml:"bytes,required" doc:"The amount." example:"50MiB"`
	Per   string `yaml:"per,required" doc:"The period, at the site's calendar." enum:"hour,day,week,month" example:"month"`
}

// Batch says how records are packed together.
type Batch struct {
	Bytes  Bytes         `yaml:"bytes" doc:"A batch is sent when it has so many bytes."`
	Linger time.Duration `yaml:"linger" doc:"A batch is sent at the latest so long after its first record was measured. Longer costs fewer bytes on a metered link. 0s: as store.commit_within."`
}

// Output is where alarms are announced on the spot.
type Output struct {
	ID     string `yaml:"id,required" doc:"The output, for ever." example:"journal"`
	Driver string `yaml:"driver,required" doc:"What kind of output it is."`

	Language agent.Language `yaml:"language" doc:"The language of its messages. Names, advice and comments stay as they were written." enum:"en,zh"`
	Unit     agent.Degrees  `yaml:"unit" doc:"The unit of temperatures in its messages. Limits in this file, records and upstreams are in °C." enum:"celsius,fahrenheit"`

	Settings any `yaml:"-"`
}

// Voice is how the output speaks.
func (o *Output) Voice() agent.Voice { return agent.Voice{Language: o.Language, Unit: o.Unit} }

// Web is the health page and the metrics.
type Web struct {
	Listen string `yaml:"listen" doc:"Address and port. It has no login, so the address must be a loopback one. off: no page."`
}

// WebOff is the Listen that switches the page off.
const WebOff = "off"

// Log is what the agent writes to its journal.
type Log struct {
	Level  string `yaml:"level" doc:"The least that is worth writing." enum:"debug,info,warn,error"`
	Format string `yaml:"format" doc:"How it is written." enum:"text,json"`
}

// Defaults is the config of an empty file, without the keys that have no default.
func Defaults() *Config {
	return &Config{
		Timezone: "UTC",
		Location: time.UTC,
		AlwaysOn: true,
		Store: Store{
			Dir: "/var/lib/frostline", CommitWithin: time.Second,
			Keep: Keep{Age: 400 * 24 * time.Hour, Bytes: 8 << 30, Free: 512 << 20},
		},
		Clock: Clock{Trust: agent.ClockHeld, Wait: 10 * time.Minute},
		Stock: Stock{Repeat: 3 * time.Second},
		Web:   Web{Listen: "127.0.0.1:8470"},
		Log:   Log{Level: "info", Format: "text"},
	}
}

func (s *Sensor) setDefaults()   { s.Every = 10 * time.Second }
func (s *Suppress) setDefaults() { s.Is = agent.Unit }
func (i *Item) setDefaults()     { i.Pieces = 1 }
func (a *Alarm) setDefaults()    { a.Kind = limitKind }
func (o *Output) setDefaults()   { o.Language, o.Unit = agent.English, agent.Celsius }
func (u *Upstream) setDefaults() {
	u.From, u.Batch = "oldest", Batch{Bytes: 100 << 10}
}
