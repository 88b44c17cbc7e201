package mfrc522_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/mfrc522"
	"github.com/frostline/frostline/sensors/sensortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func suite(code string, uid ...byte) sensortest.ScannerSuite {
	return sensortest.ScannerSuite{
		Driver: mfrc522.Driver,
		Place: func(b *sensortest.Bench) any {
			c := chip.NewMFRC522(b.Now)
			b.SPI("spi0.0", c)
			b.Unplug, b.Plug = c.Unplug, c.Plug
			b.Present = func() { c.Add(uid...) }
			b.Absent = func() { c.Remove(uid...) }
			return quick()
		},
		Want: sensors.Observation{Code: code, Symbology: agent.SymbologyNFC},
	}
}

func quick() *mfrc522.Config {
	c := mfrc522.Driver.Config().(*mfrc522.Config)
	c.Poll, c.GoneAfter = 20*time.Millisecond, 60*time.Millisecond
	return c
}

func TestConformance(t *testing.T) {
	sensortest.RunScanner(t, suite("DEADBEEF", 0xDE, 0xAD, 0xBE, 0xEF))
}

// field is a running reader over a chip.
type field struct {
	chip *chip.MFRC522
	seen chan string
	end  func() error
}

func run(t *testing.T) field {
	t.Helper()
	b := sensortest.NewBench()
	f := field{chip: chip.NewMFRC522(b.Now), seen: make(chan string, 64)}
	b.SPI("spi0.0", f.chip)
	r, err := mfrc522.Driver.Open(t.Context(), b.Host(), quick())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, func(o sensors.Observation) { f.seen <- o.Code }) }()
	f.end = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, r.Close(), b.Close())
	})
	t.Cleanup(func() {
		if err := f.end(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f field) await(t *testing.T, codes ...string) {
	t.Helper()
	var got []string
	for range codes {
		select {
		case c := <-f.seen:
			got = append(got, c)
		case <-time.After(20 * time.Second):
			t.Fatalf("saw %v, want %v", got, codes)
		}
	}
	slices.Sort(got)
	slices.Sort(codes)
	if !slices.Equal(got, codes) {
		t.Errorf("saw %v, want %v", got, codes)
	}
}

// TestCardsTogether puts cards on the reader at once whose UIDs differ early, late and in
// their length.
func TestCardsTogether(t *testing.T) {
	f := run(t)
	f.chip.Add(0xDE, 0xAD, 0xBE, 0xEF)
	f.await(t, "DEADBEEF")
	f.chip.Add(0xDE, 0xAD, 0xBE, 0xEE)
	f.chip.Add(0x5E, 0xAD, 0xBE, 0xEF)
	f.chip.Add(0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6)
	f.chip.Add(0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF7)
	f.chip.Add(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x18, 0x09, 0x0A)
	f.await(t, "DEADBEEE", "5EADBEEF", "04A1B2C3D4E5F6", "04A1B2C3D4E5F7", "0102030405060718090A")
}

// TestRandomUID leaves out what a phone makes up anew each time it is asked.
func TestRandomUID(t *testing.T) {
	f := run(t)
	f.chip.Add(0x08, 0x11, 0x22, 0x33)
	f.chip.Add(0xDE, 0xAD, 0xBE, 0xEF)
	f.await(t, "DEADBEEF")
	if err := f.end(); err != nil {
		t.Fatal(err)
	}
	if len(f.seen) > 0 {
		t.Errorf("also saw %s", <-f.seen)
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*mfrc522.Config){
		"bus":        func(c *mfrc522.Config) { c.Bus = "" },
		"poll":       func(c *mfrc522.Config) { c.Poll = time.Millisecond },
		"gone_after": func(c *mfrc522.Config) { c.GoneAfter = c.Poll / 2 },
		"gain":       func(c *mfrc522.Config) { c.Gain = 40 },
	} {
		c := mfrc522.Driver.Config().(*mfrc522.Config)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}
