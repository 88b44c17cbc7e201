package mfrc522_test

import (
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
