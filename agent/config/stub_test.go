package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
)

// The drivers of these tests. They are none of the real ones, and have settings of every
// type that a driver can have.
type stubI2C struct {
	Bus     string        `yaml:"bus" doc:"The I²C bus." example:"i2c-1"`
	Address uint16        `yaml:"address" doc:"The device's address."`
	Wait    time.Duration `yaml:"wait" doc:"Conversion time."`
	Mode    string        `yaml:"mode" doc:"How precisely it measures." enum:"low,high"`
}

func (s *stubI2C) Validate() error {
	var list []error
	if s.Address < 0x08 || s.Address > 0x77 {
		list = append(list, errors.New("address: no I²C address, want 0x08 to 0x77"))
	}
	if s.Bus == "" {
		list = append(list, errors.New("bus is missing"))
	}
	return errors.Join(list...)
}

type stubDoor struct {
	Pin    string `yaml:"pin,required" doc:"The pin." example:"GPIO17"`
	Invert bool   `yaml:"invert" doc:"Open is low."`
}

type stubReader struct {
	Device string `yaml:"device,required" doc:"The serial port." example:"/dev/ttyUSB0"`
	Baud   int    `yaml:"baud" doc:"Its speed."`
}

type stubTLS struct {
	CA string `yaml:"ca" doc:"The authority's certificate."`
}

type stubUpstream struct {
	stubCommon
	URL    string            `yaml:"url,required" doc:"Where it is." example:"mqtts://broker.example:8883"`
	Token  string            `yaml:"token" doc:"The token."`
	Bands  []int8            `yaml:"bands" doc:"Numbers."`
	Tags   map[string]string `yaml:"tags" doc:"Words."`
	TLS    *stubTLS          `yaml:"tls" doc:"Certificates."`
	Factor float64           `yaml:"factor" doc:"A number."`
	Floor  agent.Value       `yaml:"floor" doc:"A value."`
	Size   Bytes             `yaml:"size" doc:"An amount."`
}

type stubCommon struct {
	Retry time.Duration `yaml:"retry" doc:"How long to wait."`
}

type stubOutput struct {
	Severity agent.Severity `yaml:"severity" doc:"The least."`
	URL      string         `yaml:"url" doc:"Where it is."`
}

func (*stubOutput) Addresses() string { return ByWebhook }

// stubMail and stubPhone tell people.
type (
	stubMail struct {
		To []string `yaml:"to" doc:"Who."`
	}
	stubPhone struct {
		To []string `yaml:"to" doc:"Who."`
	}
)

func (*stubMail) Addresses() string  { return ByEmail }
func (*stubPhone) Addresses() string { return ByPhone }

// stubLimit stands for a kind of alarm that compares values.
type stubLimit struct {
	Above    *agent.Value  `yaml:"above" doc:"Alarm on values greater than this." example:"8.0"`
	Below    *agent.Value  `yaml:"below" doc:"Alarm on values less than this."`
	For      time.Duration `yaml:"for" doc:"Only if it lasts."`
	Deadband agent.Value   `yaml:"deadband" doc:"How far it must come back."`
}

func (l *stubLimit) Validate() error {
	if (l.Above == nil) == (l.Below == nil) {
		return errors.New("want one of above and below")
	}
	if l.Deadband < 0 {
		return errors.New("deadband: cannot be negative")
	}
	return nil
}

// stubSilence stands for one that watches devices.
type stubSilence struct {
	After time.Duration `yaml:"after" doc:"How long it must last."`
}

func stubKnown() Known {
	climate := func(any) []Point { return []Point{{"temperature", agent.Temperature}, {"humidity", agent.Humidity}} }
	return Known{
		Sensors: map[string]Device{
			"sht4x":  {func() any { return &stubI2C{Bus: "i2c-1", Address: 0x44, Mode: "high"} }, climate},
			"bme280": {func() any { return &stubI2C{Bus: "i2c-1", Address: 0x76, Mode: "high"} }, climate},
			"gpio":   {func() any { return &stubDoor{} }, func(any) []Point { return []Point{{"door", agent.Door}} }},
		},
		Scanners:  map[string]Device{"serial": {func() any { return &stubReader{Baud: 9600} }, nil}},
		Upstreams: map[string]func() any{"mqtt": func() any { return &stubUpstream{} }, "influx": func() any { return &stubUpstream{} }},
		Outputs: map[string]func() any{
			"log": func() any { return &struct{}{} }, "webhook": func() any { return &stubOutput{} },
			"mail": func() any { return &stubMail{} }, "sms": func() any { return &stubPhone{} },
		},
		Alarms: map[string]AlarmKind{
			"limit":         {Config: func() any { return &stubLimit{} }, Of: Points, Limit: true},
			"no-data":       {Config: func() any { return &stubSilence{After: 10 * time.Minute} }, Of: Points},
			"below-minimum": {Config: func() any { return &struct{}{} }, Of: Items},
			"unknown-code":  {Config: func() any { return &struct{}{} }, Of: Readers},
		},
		Buses: func(scenario string) ([]string, error) {
			if scenario == "./broken.yaml" {
				return nil, errors.New("zones: no such zone")
			}
			return []string{"i2c-1", "spi0.0"}, nil
		},
		Scenarios: []string{"cold-room", "warehouse-morning"},
		Profiles:  stubProfiles{},
	}
}

// stubProfiles are one built-in profile, and files that name an alarm's kind and nothing else.
type stubProfiles struct{}

func (stubProfiles) Names() []string { return []string{"vaccine-2-8"} }

func (stubProfiles) Profile(string) (Profile, error) {
	above, below := 8*agent.Unit, 2*agent.Unit
	limit := func(id agent.AlarmID, role agent.Role, s stubLimit) Alarm {
		return Alarm{ID: id, Kind: "limit", Quantity: agent.Temperature, Role: role, Severity: agent.SeverityWarning, Settings: &s}
	}
	return Profile{Facts: "facts", Limits: []Alarm{
		limit("high", agent.RoleProduct, stubLimit{Above: &above, For: 5 * time.Minute}),
		limit("low", agent.RoleProduct, stubLimit{Below: &below}),
		limit("high-air", agent.RoleAir, stubLimit{Above: &above, For: time.Hour}),
	}}, nil
}

func (stubProfiles) Parse(file string, text []byte) (Profile, error) {
	var own struct {
		Limits []Alarm `yaml:"limits"`
	}
	d := ReadDocument(file, text, stubKnown(), &own)
	for i := range own.Limits {
		d.Limit(fmt.Sprintf("limits[%d]", i), &own.Limits[i])
	}
	return Profile{Limits: own.Limits}, d.Err()
}
