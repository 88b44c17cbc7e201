package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewiretest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spitest"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors/emulated/chip"
)

func TestClassify(t *testing.T) {
	cases := []struct {
		err  error
		want agent.Fault
	}{
		{syscall.ENXIO, agent.FaultAbsent},
		{syscall.EREMOTEIO, agent.FaultAbsent},
		{syscall.EIO, agent.FaultAbsent},
		{syscall.ENODEV, agent.FaultAbsent},
		{syscall.ETIMEDOUT, agent.FaultTimeout},
		{syscall.EBADMSG, agent.FaultCRC},
		{syscall.EAGAIN, agent.FaultIO},
		{syscall.EACCES, agent.FaultOpen},
		{fs.ErrNotExist, agent.FaultAbsent},
		{os.ErrDeadlineExceeded, agent.FaultTimeout},
		{chip.ErrNACK, agent.FaultAbsent},
		// As periph's Linux drivers give them: the number is lost.
		{fmt.Errorf("sysfs-i2c: %v", syscall.EREMOTEIO), agent.FaultAbsent},
		{fmt.Errorf("sysfs-i2c: %v", syscall.ETIMEDOUT), agent.FaultTimeout},
		{fmt.Errorf("sysfs-i2c: %v", syscall.EAGAIN), agent.FaultIO},
		{errors.New("onewire: CRC error during search, addr=[1 2]"), agent.FaultCRC},
		{errors.New("ds248x: no device present"), agent.FaultAbsent},
		{errors.New("ds248x: timeout waiting for bus cycle to finish"), agent.FaultTimeout},
		{errors.New("anything"), agent.FaultIO},
		{fmt.Errorf("driver: %w", agent.FaultNotReady), agent.FaultNotReady},
	}
	for _, c := range cases {
		got := classify(c.err)
		var f agent.Fault
		if !errors.As(got, &f) || f != c.want {
			t.Errorf("%v: fault %v, want %v", c.err, f, c.want)
		}
		if !errors.Is(got, c.err) || got.Error() != c.err.Error() {
			t.Errorf("%v: became %v", c.err, got)
		}
	}
	if classify(nil) != nil {
		t.Error("no error became one")
	}
	if !errors.Is(classifyFile(syscall.EIO), agent.FaultIO) {
		t.Error("EIO of a file is not FaultIO")
	}
}

func TestI2CPlaysTapes(t *testing.T) {
	raw := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x44, W: []byte{0xFD}, R: []byte{0xBE, 0xEF, 0x92}},
		{Addr: 0x45, W: []byte{0x94}, R: []byte{}},
	}}
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	r := make([]byte, 3)
	if err := b.Tx(t.Context(), 0x44, []byte{0xFD}, r); err != nil || !bytes.Equal(r, []byte{0xBE, 0xEF, 0x92}) {
		t.Errorf("%v, % x", err, r)
	}
	p := b.Periph(t.Context())
	if err := (&i2c.Dev{Bus: p, Addr: 0x45}).Tx([]byte{0x94}, nil); err != nil {
		t.Error(err)
	}
	if err := p.SetSpeed(physic.KiloHertz); err != nil || p.String() != "i2c-1" {
		t.Errorf("%v, %s", err, p)
	}
	if err := b.Close(); err != nil { // of the tape: it was played to its end
		t.Error(err)
	}
}

// failing fails in a given way after it has written into r, as a controller does that
// loses a byte.
type failing struct{ err error }

func (f failing) String() string                  { return "failing" }
func (f failing) SetSpeed(physic.Frequency) error { return f.err }
func (f failing) Tx(_ uint16, _, r []byte) error {
	for i := range r {
		r[i] = 0xFF
	}
	return f.err
}

func TestFailureLeavesTheCallersBufferAlone(t *testing.T) {
	b := NewI2C("i2c-1", failing{fmt.Errorf("sysfs-i2c: %v", syscall.EREMOTEIO)}, clock.Elapsed)
	defer b.Close()
	r := []byte{7}
	err := b.Tx(t.Context(), 0x44, []byte{1}, r)
	if !errors.Is(err, agent.FaultAbsent) || r[0] != 7 {
		t.Errorf("%v, %v", err, r)
	}
	if want := "bus i2c-1: device 0x44: sysfs-i2c: remote I/O error"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Periph(ctx).Tx(0x44, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("bound to a context that is done: %v", err)
	}
}

func TestSPIConnectsOnce(t *testing.T) {
	raw := &spitest.Playback{Playback: conntest.Playback{DontPanic: true, Ops: []conntest.IO{
		{W: []byte{0xEE, 0}, R: []byte{0, 0x92}},
	}}}
	p := NewSPI("spi0.0", raw, clock.Elapsed)
	c, err := p.Connect(t.Context(), physic.MegaHertz, spi.Mode0, 8)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Connect(t.Context(), physic.MegaHertz, spi.Mode0, 8)
	if err != nil || again != c {
		t.Errorf("a driver that opens again: %v, another connection: %v", err, again != c)
	}
	if _, err := p.Connect(t.Context(), physic.MegaHertz, spi.Mode1, 8); !errors.Is(err, agent.FaultOpen) {
		t.Errorf("other settings: %v", err)
	}
	r := make([]byte, 2)
	if err := c.Tx(t.Context(), []byte{0xEE, 0}, r); err != nil || r[1] != 0x92 {
		t.Errorf("%v, % x", err, r)
	}
	if err := c.Tx(t.Context(), []byte{1}, r[:1]); err == nil {
		t.Error("a transaction that is not on the tape succeeded")
	}
	if p.String() != "spi0.0" || p.Stuck() != nil || p.Close() != nil || p.Close() != nil {
		t.Error("Close")
	}
}

func TestOneWire(t *testing.T) {
	raw := &onewiretest.Playback{
		DontPanic: true,
		Ops: []onewiretest.IO{
			{W: []byte{0xCC, 0x44}, R: []byte{}, Pull: onewire.StrongPullup},
			{W: []byte{0xF0}, R: []byte{}},
		},
		Devices: []onewire.Address{0x740000070e41ac28},
	}
	o := NewOneWire("ow", raw, clock.Elapsed)
	if err := o.Tx(t.Context(), []byte{0xCC, 0x44}, nil, onewire.StrongPullup); err != nil {
		t.Error(err)
	}
	found, err := o.Search(t.Context())
	if err != nil || !slices.Equal(found, raw.Devices) {
		t.Errorf("%v, %x", err, found)
	}
	if o.String() != "ow" || o.Stuck() != nil || o.Close() != nil || o.Close() != nil {
		t.Error("Close")
	}

	line := chip.NewLine()
	o = NewOneWire("ow", line, clock.Elapsed)
	defer o.Close()
	if err := o.Tx(t.Context(), []byte{0xCC}, nil, onewire.WeakPullup); !errors.Is(err, agent.FaultAbsent) {
		t.Errorf("an empty line: %v", err)
	}
	line.Short(true)
	if _, err := o.Search(t.Context()); !errors.Is(err, agent.FaultShortCircuit) {
		t.Errorf("a shorted line: %v", err)
	}
}

// chips is an I²C bus with a DS2482.
type chips map[uint16]interface{ Tx(w, r []byte) error }

func (c chips) String() string                  { return "chips" }
func (c chips) SetSpeed(physic.Frequency) error { return nil }
func (c chips) Tx(addr uint16, w, r []byte) error {
	if d, ok := c[addr]; ok {
		return d.Tx(w, r)
	}
	return chip.ErrNACK
}

func TestBridge(t *testing.T) {
	probe := func(agent.Quantity) float64 { return 4.25 }
	slave := chip.NewDS18B20(probe, clock.Elapsed, 0x0316a2791a01)
	line := chip.NewLine(slave)
	// By its own clock the chip is never busy when it is looked at again.
	var late atomic.Int64
	hurried := func() time.Duration { return time.Duration(late.Add(int64(10 * time.Millisecond))) }
	ds2482 := chip.NewDS2482(hurried, line)
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{"i2c-1": chips{0x18: ds2482}}})
	defer h.Close()
	o, err := h.OneWire("ds248x:i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := soon(t, 5*time.Second)
	found, err := o.Search(ctx)
	if want := onewire.Address(0x28 | 0x0316a2791a01<<8); err != nil || len(found) != 1 || found[0]&(1<<56-1) != want {
		t.Fatalf("%v, %x, want %x", err, found, want)
	}
	line.Short(true)
	if err := o.Tx(ctx, []byte{0xCC}, nil, onewire.WeakPullup); !errors.Is(err, agent.FaultShortCircuit) {
		t.Errorf("shorted: %v", err)
	}
	line.Short(false)
	slave.Unplug()
	if err := o.Tx(ctx, []byte{0xCC}, nil, onewire.WeakPullup); !errors.Is(err, agent.FaultAbsent) {
		t.Errorf("nobody on the line: %v", err)
	}
	slave.Plug()
	// The bridge itself goes and comes back: periph's driver would never work again.
	ds2482.Unplug()
	err = o.Tx(ctx, []byte{0xCC}, nil, onewire.WeakPullup)
	if !errors.Is(err, agent.FaultAbsent) || !errors.Is(err, syscall.ENXIO) {
		t.Errorf("no bridge: %v", err)
	}
	ds2482.Plug()
	if err := o.Tx(ctx, []byte{0xCC, 0xBE}, make([]byte, 9), onewire.WeakPullup); err != nil {
		t.Errorf("after its return: %v", err)
	}
}

func TestBridgeThatStaysBusyIsATimeout(t *testing.T) {
	busy := chip.NewDS2482(func() time.Duration { return 0 }, chip.NewLine()) // its clock stands still
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{"i2c-1": chips{0x18: busy}}})
	defer h.Close()
	o, err := h.OneWire("ds248x:i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Tx(soon(t, 5*time.Second), []byte{0xCC}, nil, onewire.WeakPullup); !errors.Is(err, agent.FaultTimeout) {
		t.Errorf("%v", err)
	}
}

func TestBridgeBehindAStuckBus(t *testing.T) {
	raw := newHangingBus()
	letGo := raw.hold()
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{"i2c-1": raw}})
	o, err := h.OneWire("ds248x:i2c-1:0x19")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Tx(soon(t, 50*time.Millisecond), []byte{0xCC}, nil, onewire.WeakPullup); !errors.Is(err, agent.FaultBusStuck) {
		t.Errorf("%v", err)
	}
	eventually(t, "the bridge itself is free again", func() bool { return o.Stuck() == nil })
	if s := h.Stuck(); len(s) != 1 || s[0].Bus != "i2c-1" {
		t.Errorf("stuck buses: %v", s)
	}
	letGo()
	eventually(t, "the bus recovers", func() bool { return len(h.Stuck()) == 0 })
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestW1(t *testing.T) {
	d := NewW1("w1", fstest.MapFS{
		"28-0316a2791a01/w1_slave":       {Data: []byte("44 00 : crc=6a YES\n")},
		"w1_bus_master1/therm_bulk_read": {Data: []byte("0\n")},
	}, clock.Elapsed)
	defer d.Close()
	text, err := d.ReadFile(t.Context(), "28-0316a2791a01/w1_slave")
	if err != nil || !bytes.Contains(text, []byte("YES")) {
		t.Errorf("%v, %q", err, text)
	}
	names, err := d.List(t.Context())
	if want := []string{"28-0316a2791a01", "w1_bus_master1"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v", err, names)
	}
	if _, err := d.ReadFile(t.Context(), "28-000000000000/w1_slave"); !errors.Is(err, agent.FaultAbsent) {
		t.Errorf("no such device: %v", err)
	}
	if err := d.WriteFile(t.Context(), "w1_bus_master1/therm_bulk_read", nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("writing where nothing can be written: %v", err)
	}
}

func TestSysW1(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w1_bus_master1", "therm_bulk_read")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{"w1": dir}})
	defer h.Close()
	d, err := h.W1("w1")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile(t.Context(), "w1_bus_master1/therm_bulk_read", []byte("trigger\n")); err != nil {
		t.Error(err)
	}
	if text, err := d.ReadFile(t.Context(), "w1_bus_master1/therm_bulk_read"); err != nil || string(text) != "trigger\n" {
		t.Errorf("%v, %q", err, text)
	}
	for _, name := range []string{"../x", "/etc/passwd", "w1_bus_master1/new"} {
		if err := d.WriteFile(t.Context(), name, nil); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if _, err := NewHost(Options{Now: clock.Elapsed}).W1(filepath.Join(dir, "none")); !errors.Is(err, agent.FaultOpen) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
