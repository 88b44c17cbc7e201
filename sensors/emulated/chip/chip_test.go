package chip_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/ds18b20"
	"periph.io/x/devices/v3/ds248x"
	"periph.io/x/devices/v3/mfrc522"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors/emulated/chip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a room of one temperature, and a clock that the test moves.
type world struct {
	now     atomic.Int64
	celsius float64
}

func (w *world) Now() time.Duration           { return time.Duration(w.now.Load()) }
func (w *world) Pass(d time.Duration)         { w.now.Add(int64(d)) }
func (w *world) Probe(agent.Quantity) float64 { return w.celsius }

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, chip.ErrNACK) || !errors.Is(err, syscall.ENXIO) {
		t.Errorf("%s: %v, want no acknowledge", what, err)
	}
}

func taken(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestSHT4x(t *testing.T) {
	w := &world{celsius: 42.5013}
	c := chip.NewSHT4x(w.Probe, w.Now, 0xBEEFBEEF)
	r := make([]byte, 6)
	refused(t, "read with nothing measured", c.Tx(nil, r))
	taken(t, "measure", c.Tx([]byte{0xFD}, nil))
	w.Pass(8 * time.Millisecond)
	refused(t, "read while measuring", c.Tx(nil, r))
	refused(t, "command while measuring", c.Tx([]byte{0x89}, nil))
	w.Pass(time.Millisecond)
	taken(t, "read", c.Tx(nil, r))
	if want := []byte{0x80, 0x00, 0xA2}; !bytes.Equal(r[:3], want) {
		t.Errorf("the temperature word is %x, want %x", r[:3], want)
	}
	refused(t, "read a second time", c.Tx(nil, r))
	refused(t, "unknown command", c.Tx([]byte{0x33}, nil))
	taken(t, "serial", c.Tx([]byte{0x89}, r))
	if want := []byte{0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92}; !bytes.Equal(r, want) {
		t.Errorf("the serial number is %x, want %x", r, want)
	}
	for cmd, d := range map[byte]time.Duration{0xF6: 5 * time.Millisecond, 0xE0: 2 * time.Millisecond} {
		taken(t, "measure", c.Tx([]byte{cmd}, nil))
		w.Pass(d)
		taken(t, "read", c.Tx(nil, r))
	}
	taken(t, "measure", c.Tx([]byte{0xFD}, nil))
	w.Pass(time.Second)
	c.Unplug()
	refused(t, "unplugged", c.Tx(nil, r))
	c.Plug()
	w.Pass(time.Second)
	refused(t, "the measurement of before", c.Tx(nil, r))
	taken(t, "reset", c.Tx([]byte{0x94}, nil))
	refused(t, "while it resets", c.Tx([]byte{0x89}, r))
	w.Pass(2 * time.Millisecond)
	c.Corrupt(chip.FlipBit(1, 9))
	for i, want := range []byte{0xEF, 0xED, 0xEF} {
		taken(t, "serial", c.Tx([]byte{0x89}, r))
		if r[1] != want {
			t.Errorf("frame %d: second byte %#02x, want %#02x", i, r[1], want)
		}
	}
}

func TestBMx280(t *testing.T) {
	w := &world{celsius: 20}
	c := chip.NewBME280(w.Probe, w.Now)
	read := func(reg byte, n int) []byte {
		t.Helper()
		r := make([]byte, n)
		taken(t, fmt.Sprintf("read %#02x", reg), c.Tx([]byte{reg}, r))
		return r
	}
	if s := read(0xF3, 1)[0]; s != 0x01 {
		t.Errorf("status right after power-on is %#02x, want im_update", s)
	}
	w.Pass(3 * time.Millisecond)
	if got := read(0xF7, 8); !bytes.Equal(got, []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0}) {
		t.Errorf("data after power-on is %x", got)
	}
	if id := read(0xD0, 1)[0]; id != 0x60 {
		t.Errorf("id %#02x", id)
	}
	taken(t, "forced mode", c.Tx([]byte{0xF2, 1, 0xF4, 0x25}, nil))
	if s := read(0xF3, 1)[0]; s != 0x08 {
		t.Errorf("status is %#02x, want measuring", s)
	}
	w.Pass(10 * time.Millisecond)
	if got := read(0xF2, 3); !bytes.Equal(got, []byte{1, 0, 0x24}) {
		t.Errorf("after the measurement the settings are %x, want sleep", got)
	}
	if got := read(0xF7, 6); got[3] == 0x80 && got[4] == 0 && got[5] == 0 {
		t.Errorf("nothing was measured: %x", got)
	}
	taken(t, "pressure and humidity skipped", c.Tx([]byte{0xF2, 0, 0xF4, 0x21}, nil))
	w.Pass(10 * time.Millisecond)
	if got := read(0xF7, 8); !bytes.Equal(got[:3], []byte{0x80, 0, 0}) || !bytes.Equal(got[6:], []byte{0x80, 0}) {
		t.Errorf("skipped quantities read %x", got)
	}
	taken(t, "normal mode", c.Tx([]byte{0xF4, 0x27}, nil))
	for _, w.celsius = range []float64{5, -5} {
		before := read(0xFA, 3)
		w.Pass(20 * time.Millisecond)
		read(0xFA, 3)
		w.Pass(20 * time.Millisecond)
		if bytes.Equal(before, read(0xFA, 3)) {
			t.Error("normal mode does not follow the room")
		}
	}
	c.Unplug()
	refused(t, "unplugged", c.Tx([]byte{0xD0}, make([]byte, 1)))
	c.Plug()
	if got := read(0xFA, 3); got[0] != 0x80 {
		t.Errorf("data after replugging is %x", got)
	}
}

// i2cBus is a bus with one chip, at any address.
type i2cBus struct{ tx func(w, r []byte) error }

func (i2cBus) String() string                   { return "bus" }
func (i2cBus) SetSpeed(physic.Frequency) error  { return nil }
func (b i2cBus) Tx(_ uint16, w, r []byte) error { return b.tx(w, r) }

// TestBridge drives a bridge with periph's driver: searching a line with several devices
// and reading one.
func TestBridge(t *testing.T) {
	w := &world{celsius: -18.5}
	serials := []uint64{0x0316a2791a01, 0x0316a2791a02, 0x00000000ffff, 0xffffffffffff, 0x800000000000}
	var slaves []chip.Slave
	var want []uint64
	for _, s := range serials {
		slaves = append(slaves, chip.NewDS18B20(w.Probe, w.Now, s))
		rom := chip.ROM(s)
		var a uint64
		for i, b := range rom {
			a |= uint64(b) << (8 * i)
		}
		want = append(want, a)
	}
	line := chip.NewLine(slaves...)
	// Each look at the bridge's clock is 10 ms later: it is never busy for long, because periph's
	// driver gives up after three real milliseconds.
	var bridgeTime time.Duration
	bridge := chip.NewDS2482(func() time.Duration { bridgeTime += 10 * time.Millisecond; return bridgeTime }, line)
	master, err := ds248x.New(i2cBus{bridge.Tx}, 0x18, &ds248x.DefaultOpts)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]onewire.Bus{"bridge": master, "perfect master": line} {
		found, err := m.Search(false)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []uint64
		for _, a := range found {
			got = append(got, uint64(a))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %x, want %x", name, got, want)
		}
	}
	dev, err := ds18b20.New(line, onewire.Address(want[0]), 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := ds18b20.ConvertAll(line, 9); err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Second)
	if got, err := dev.LastTemp(); err != nil || got.Celsius() != -18.5 {
		t.Errorf("periph's driver reads %v, %v; want -18.5", got, err)
	}
	line.Short(true)
	var short onewire.ShortedBusError
	if err := master.Tx([]byte{0xCC}, nil, onewire.WeakPullup); !errors.As(err, &short) || !short.IsShorted() {
		t.Errorf("a shorted line: %v", err)
	}
	line.Short(false)
	for _, s := range slaves {
		s.(*chip.DS18B20).Unplug()
	}
	if err := master.Tx([]byte{0xCC}, nil, onewire.WeakPullup); err == nil {
		t.Error("an empty line has a presence pulse")
	}
	bridge.Unplug()
	refused(t, "unplugged", bridge.Tx(nil, make([]byte, 1)))
}

func TestW1Slave(t *testing.T) {
	w := &world{celsius: 25.0625}
	d := chip.NewDS18B20(w.Probe, w.Now, 1)
	text, ok := d.W1Slave()
	want := "91 01 4b 46 7f ff 0f 10 25 : crc=25 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n"
	if !ok || string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	d.Underpower(true)
	if text, _ := d.W1Slave(); !bytes.Contains(text, []byte("t=127937")) {
		t.Errorf("with too little power: %q", text)
	}
	d.Unplug()
	if _, ok := d.W1Slave(); ok {
		t.Error("an unplugged thermometer has a file")
	}
}

type spiPort struct{ *chip.MFRC522 }

func (spiPort) String() string                    { return "port" }
func (spiPort) Duplex() conn.Duplex               { return conn.Full }
func (spiPort) TxPackets([]spi.Packet) error      { return errors.New("not here") }
func (spiPort) LimitSpeed(physic.Frequency) error { return nil }
func (p spiPort) Connect(physic.Frequency, spi.Mode, int) (spi.Conn, error) {
	return p, nil
}

// TestReader drives the reader with periph's driver, IRQ pin and all.
func TestReader(t *testing.T) {
	c := chip.NewMFRC522(clock.Elapsed)
	irq := &gpiotest.Pin{N: "IRQ", EdgesChan: make(chan gpio.Level, 64)}
	c.OnIRQ(func() {
		select {
		case irq.EdgesChan <- gpio.Low:
		default:
		}
	})
	dev, err := mfrc522.NewSPI(spiPort{c}, &gpiotest.Pin{N: "RST"}, irq)
	if err != nil {
		t.Fatal(err)
	}
	uid := []byte{0xDE, 0xAD, 0xBE, 0xEF}
	c.Add(uid...)
	if got, err := dev.ReadUID(20 * time.Second); err != nil || !bytes.Equal(got, uid) {
		t.Errorf("periph's driver reads %x, %v; want %x", got, err, uid)
	}
	c.Remove(uid...)
	if got, err := dev.ReadUID(50 * time.Millisecond); err == nil {
		t.Errorf("periph's driver reads %x from an empty field", got)
	}
	r := make([]byte, 2)
	taken(t, "version", c.Tx([]byte{0x37<<1 | 0x80, 0}, r))
	if r[1] != 0x92 {
		t.Errorf("version %#02x", r[1])
	}
	c.Unplug()
	taken(t, "unplugged", c.Tx([]byte{0x37<<1 | 0x80, 0}, r))
	if r[1] != 0xFF {
		t.Errorf("an idle line reads %#02x", r[1])
	}
	c.Plug()
	taken(t, "version", c.Tx([]byte{0x37<<1 | 0x80, 0}, r))
	if r[1] != 0x92 {
		t.Errorf("version after replugging %#02x", r[1])
	}
}
