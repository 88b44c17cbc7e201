package sensortest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/sensortest"
)

// liar is a driver of an SHT4x that does one thing wrong.
type liar struct {
	bus   *bus.I2C
	wrong string
	last  []sensors.Sample
	shut  int
}

// sins are what drivers do wrong, and a word of what the suite must say of it.
var sins = map[string]string{
	"nothing":            "",
	"ignores checksums":  "bit flipped",
	"repeats last value": "a lie",
	"invents on error":   "a lie",
	"clamps":             "a lie",
	"value with error":   "samples beside an error",
	"hides the fault":    "want absent",
	"ignores context":    "time is up",
	"fails second close": "close number 2",
	"wrong point":        "no point of the driver",
	"leaves a goroutine": "goroutines are left over",
}

var leak = make(chan struct{})

func (l *liar) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if l.shut > 0 {
		return dst, bus.ErrClosed
	}
	if l.wrong == "ignores context" {
		ctx = context.WithoutCancel(ctx)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	t, err := l.measure(ctx)
	switch {
	case err == nil:
	case l.wrong == "repeats last value" && l.last != nil:
		return append(dst, l.last...), nil
	case l.wrong == "invents on error":
		t = -40
	case l.wrong == "value with error":
		return append(dst, sensors.Sample{Point: "temperature"}), err
	case l.wrong == "hides the fault":
		return dst, context.DeadlineExceeded
	default:
		return dst, err
	}
	if l.wrong == "clamps" {
		t = max(t, -20)
	}
	v, err := agent.ValueOf(t)
	if err != nil {
		return dst, err
	}
	l.last = []sensors.Sample{{Point: "temperature", Value: v}}
	if l.wrong == "wrong point" {
		l.last[0].Point = "warmth"
	}
	return append(dst, l.last...), nil
}

func (l *liar) measure(ctx context.Context) (float64, error) {
	if err := l.bus.Tx(ctx, 0x44, []byte{0xFD}, nil); err != nil {
		return 0, err
	}
	if err := sensors.Wait(ctx, 9*time.Millisecond); err != nil {
		return 0, err
	}
	var r [6]byte
	if err := l.bus.Tx(ctx, 0x44, nil, r[:]); err != nil {
		return 0, err
	}
	if l.wrong != "ignores checksums" && crc8(r[:2]) != r[2] {
		return 0, agent.FaultCRC
	}
	return -45 + 175*float64(uint16(r[0])<<8|uint16(r[1]))/65535, nil
}

func crc8(b []byte) byte {
	crc := byte(0xFF)
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

func (l *liar) Close() error {
	if l.wrong == "leaves a goroutine" && l.shut == 0 {
		go func() { <-leak }()
	}
	if l.shut++; l.shut == 2 && l.wrong == "fails second close" {
		return bus.ErrClosed
	}
	return nil
}

type config struct {
	Wrong string `yaml:"wrong" doc:"what it does wrong"`
}

func suite(wrong string) sensortest.Suite {
	driver := sensors.Define("liar", config{Wrong: wrong},
		func(config) []sensors.PointSpec {
			return []sensors.PointSpec{{Name: "temperature", Quantity: agent.Temperature}}
		},
		func(_ context.Context, h sensors.Host, c config) (sensors.Sensor, error) {
			b, err := h.I2C("i2c-1")
			return &liar{bus: b, wrong: c.Wrong}, err
		})
	return sensortest.Suite{
		Driver: driver,
		Place: func(b *sensortest.Bench) any {
			c := chip.NewSHT4x(b.Probe, b.Now, 1)
			b.I2C("i2c-1", map[uint16]sensortest.Chip{0x44: c})
			b.Unplug, b.Plug = c.Unplug, c.Plug
			return driver.Config()
		},
		A:         map[agent.Quantity]float64{agent.Temperature: 4.25},
		B:         map[agent.Quantity]float64{agent.Temperature: -21.5},
		Tolerance: map[agent.Quantity]float64{agent.Temperature: 0.00135},
	}
}

// TestLiar runs the suite over the driver that the environment names.
func TestLiar(t *testing.T) {
	if wrong := os.Getenv("SENSORTEST_LIAR"); wrong != "" {
		sensortest.Run(t, suite(wrong))
	}
}

// TestSuite makes sure that the suite passes an honest driver and finds each of the sins.
func TestSuite(t *testing.T) {
	for wrong, says := range sins {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestLiar$")
			cmd.Env = append(os.Environ(), "SENSORTEST_LIAR="+wrong)
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.ENOEXEC) {
				t.Skip("32-bit: this kernel cannot run the test's own binary again without the emulator")
			}
			switch {
			case says == "" && err != nil:
				t.Errorf("an honest driver fails: %v\n%s", err, out)
			case says != "" && err == nil:
				t.Error("the suite passes a driver that lies")
			case !bytes.Contains(out, []byte(says)):
				t.Errorf("the suite does not say %q:\n%s", says, out)
			}
		})
	}
}
