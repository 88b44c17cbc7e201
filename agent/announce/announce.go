// Package announce brings alarm transitions to people on the spot and through webhooks.
//
// An output is a folder below this one that exports one value made by Define. Outputs are
// independent: each has its own goroutine and its own bounded queue, so one that is slow or
// down delays nothing else. A transition is announced once per output, whether it comes
// from the commit or, because the disk hangs, before it.
package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"

	"github.com/frostline/frostline/agent"
)

// Notice is one transition to announce, or, without an Event, the summary of a flood, or only
// how things stand.
type Notice struct {
	Site     agent.SiteID
	Gateway  agent.GatewayID
	At       agent.Instant     // of the transition
	Event    *agent.AlarmEvent // nil after a start: outputs that follow the state take it from Sounding
	ZoneName string            // what people call the event's zone; empty if it has no name
	// Sounding is the highest severity among the alarms that are there and that nobody has
	// acknowledged, after the transition; empty if there is none.
	Sounding agent.Severity
	// Standing, if not nil, are all alarms that are not normal, after the transition. Where it
	// is nil, outputs that list alarms go by the transitions that they were told.
	Standing []Standing
	// Summary stands for notices that a flood kept back; then there is no Event.
	Summary *Summary
	// Only names the outputs that it is for; nil: all.
	Only []string
	// To are the persons whom it is for; none: those whom the output's own settings name.
	To []Recipient
	// Own: of a summary that has persons, it is for those whom the settings name too.
	Own bool
	// Level of the escalation at which it goes out, from 1; 0: it tells a transition to everybody.
	Level  int
	Waited time.Duration // of a level: how long nobody had acknowledged
	Advice string        // of a level: what to do
	Late   bool          // of a level: it was due earlier, while nothing ran
	Drill  bool          // only an exercise
	// Mute silences what sounds for so long, as a button at the output does. Such a notice has no
	// Event, and leaves how things stand as it is.
	Mute time.Duration
	// Done, if not nil, is called once when every output has taken the notice or given it up.
	Done func()
}

// Showing is implemented by the settings of outputs that show how all alarms stand: only for
// them a notice of a transition has Standing.
type Showing interface{ ShowsStanding() bool }

// Standing is an alarm that is not normal, as it stands.
type Standing struct {
	Alarm    agent.AlarmEvent
	ZoneName string // what people call its zone; empty if it has no name
}

// Output brings notices to people. One goroutine calls it.
type Output interface {
	// Announce returns nil when the notice is where it has to be, or does not concern this
	// output. After an error the same notice comes again, unless the error wraps ErrPermanent.
	// It honors ctx.
	Announce(ctx context.Context, n Notice) error
	// Close frees everything. A second Close does nothing.
	Close() error
}

// ErrPermanent is wrapped by an error after which trying again is of no use.
var ErrPermanent = errors.New("will not be tried again")

// Pin is a digital output.
type Pin interface {
	Out(ctx context.Context, high bool) error
}

// Input is a digital input: a push button.
type Input interface {
	// In makes the line an input with a pull resistor.
	In(ctx context.Context, pull gpio.Pull) error
	// Watch calls emit with the level at its start and at each change, until ctx is done.
	Watch(ctx context.Context, emit func(high bool)) error
}

// I2C is an I²C bus that is shared with the sensors on it.
type I2C interface {
	// Periph is the bus as periph's packages want it, each transaction bounded by ctx.
	Periph(ctx context.Context) i2c.Bus
}

// Serial is a serial line, raw, 8N1. One goroutine reads it, one writes it.
type Serial interface {
	// Read waits for at least one byte, until ctx is done.
	Read(ctx context.Context, p []byte) (int, error)
	// Write writes all of p.
	Write(ctx context.Context, p []byte) error
	Close() error
}

// Host is what the agent lends an output. What an output opens on a bus or a pin stays the
// host's; a serial line is closed by the output.
type Host struct {
	ID      string                                        // the operator's name for the output
	Site    agent.SiteID                                  // where the gateway stands
	Gateway agent.GatewayID                               // its name
	Secret  func(ref string) (string, error)              // resolves ${credential:NAME} and ${env:NAME}; plain text comes back as it is
	Pin     func(name string) (Pin, error)                // a digital output of the machine: GPIO17
	Input   func(name string) (Input, error)              // a digital input of the machine
	I2C     func(name string) (I2C, error)                // an I²C bus of the machine: i2c-1
	Serial  func(device string, baud int) (Serial, error) // a serial line: /dev/ttyUSB2
	Now     func() agent.Instant                          // the agent's clock
	Zone    *time.Location                                // the site's time zone, for what people read
	Voice   agent.Voice                                   // in which it speaks to them
	Log     *slog.Logger
}

// Driver is a kind of output: what Define returns.
type Driver struct {
	Name   string                                                        // the word after driver: in the config
	Config func() any                                                    // a new pointer to the driver's settings, set to their defaults
	Open   func(ctx context.Context, h Host, config any) (Output, error) // config is what Config returned, filled in and validated
}

// Define makes a driver from its name, its settings' defaults and how to open one. C is a
// struct whose fields carry `yaml:"key"` and `doc:"…"` tags; if *C has Validate() error,
// the config calls it.
func Define[C any](name string, defaults C, open func(context.Context, Host, C) (Output, error)) Driver {
	return Driver{
		Name:   name,
		Config: func() any { c := defaults; return &c },
		Open: func(ctx context.Context, h Host, c any) (Output, error) {
			o, err := open(ctx, h, *c.(*C))
			if err != nil {
				return nil, fmt.Errorf("%s: open: %w", name, err)
			}
			return o, nil
		},
	}
}

// ErrSeverity is what CheckSeverity returns.
var ErrSeverity = errors.New("not a severity: want info, warning or critical")

// CheckSeverity says whether s is a severity; outputs call it in Validate.
func CheckSeverity(s agent.Severity) error {
	if s.Rank() < 0 {
		return fmt.Errorf("severity %q: %w", s, ErrSeverity)
	}
	return nil
}

// AtLeast reports whether s is as severe as least or more; an empty s is not.
func AtLeast(s, least agent.Severity) bool { return s.Rank() >= 0 && s.Rank() >= least.Rank() }
