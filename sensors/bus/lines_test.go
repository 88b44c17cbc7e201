package bus

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/pin"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

func TestPin(t *testing.T) {
	raw := &gpiotest.Pin{N: "GPIO17", Num: 17, EdgesChan: make(chan gpio.Level, 1)}
	p := NewPin("GPIO17", raw, clock.Elapsed)
	if err := p.In(t.Context(), gpio.PullUp); err != nil || raw.P != gpio.PullUp {
		t.Fatalf("%v, pull %s", err, raw.P)
	}
	if high, err := p.Read(t.Context()); err != nil || !high {
		t.Errorf("%v, high %v", err, high)
	}
	if err := p.Out(t.Context(), false); err != nil || raw.L != gpio.Low {
		t.Errorf("%v, level %s", err, raw.L)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if _, err := p.Read(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	p = NewPin("none", gpio.INVALID, clock.Elapsed)
	defer p.Close()
	if _, err := p.Read(t.Context()); err == nil {
		t.Error("a line that cannot be read gave a level")
	}
	if err := p.Watch(t.Context(), func(bool) {}); err == nil {
		t.Error("a line that cannot be read is watched")
	}
}

func TestWatch(t *testing.T) {
	for name, raw := range map[string]*gpiotest.Pin{
		"edges":  {N: "GPIO17", EdgesChan: make(chan gpio.Level)},
		"polled": {N: "GPIO17"}, // has no edge detection
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPin("GPIO17", raw, clock.Elapsed)
			defer p.Close()
			if err := p.In(t.Context(), gpio.PullUp); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			levels, ended := make(chan bool, 16), make(chan error, 1)
			go func() { ended <- p.Watch(ctx, func(l bool) { levels <- l }) }()
			want := func(level bool) {
				t.Helper()
				select {
				case got := <-levels:
					if got != level {
						t.Fatalf("emitted %v, want %v", got, level)
					}
				case <-time.After(5 * time.Second):
					t.Fatal("nothing emitted")
				}
			}
			want(true)
			if err := p.Watch(ctx, func(bool) {}); err == nil {
				t.Error("watched twice at a time")
			}
			for _, l := range []gpio.Level{gpio.Low, gpio.High, gpio.Low} {
				if raw.EdgesChan != nil {
					raw.EdgesChan <- l
				} else {
					_ = raw.Out(l)
				}
				want(bool(l))
			}
			_ = raw.Out(gpio.High) // its edge was lost
			want(true)
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Watch: %v", err)
			}
		})
	}
}

// mutePin never returns from WaitForEdge while it hangs.
type mutePin struct {
	gpiotest.Pin
	hang  chan struct{}
	began chan struct{} // closed when it is waited for
	once  sync.Once
}

func (m *mutePin) In(gpio.Pull, gpio.Edge) error { return nil }

func (m *mutePin) WaitForEdge(time.Duration) bool {
	m.once.Do(func() { close(m.began) })
	<-m.hang
	return false
}

func TestWatchEndsWhileThePinHangs(t *testing.T) {
	raw := &mutePin{hang: make(chan struct{}), began: make(chan struct{})}
	p := NewPin("GPIO17", raw, clock.Elapsed)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-raw.began
		cancel()
	}()
	wantStuck(t, p.Watch(ctx, func(bool) {}), "GPIO17")
	if err := p.Watch(t.Context(), func(bool) {}); err == nil {
		t.Error("watched although the last watch hangs")
	}
	close(raw.hang)
	eventually(t, "it can be watched again", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		return p.Watch(ctx, func(bool) { cancel() }) == nil
	})
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// twoWire is a bus whose data line a device holds low until it has seen enough clocks.
type twoWire struct {
	i2c.Bus
	scl, sda *muxPin
}

func (w *twoWire) SCL() gpio.PinIO { return w.scl }
func (w *twoWire) SDA() gpio.PinIO { return w.sda }

// muxPin is a pin of a processor whose function can be chosen.
type muxPin struct {
	gpiotest.Pin
	fn     pin.Func
	held   *int // the device holds the line low while this is positive
	clocks *int // counts down at each rise of the line
	low    bool
}

func (m *muxPin) Func() pin.Func { return m.fn }
func (m *muxPin) SetFunc(f pin.Func) error {
	m.fn = f
	return nil
}

func (m *muxPin) In(gpio.Pull, gpio.Edge) error {
	if m.low && m.clocks != nil {
		*m.clocks--
	}
	m.low, m.fn = false, gpio.IN
	return nil
}

func (m *muxPin) Out(l gpio.Level) error {
	m.low, m.fn = l == gpio.Low, gpio.OUT
	return nil
}

func (m *muxPin) Read() gpio.Level {
	return gpio.Level(!m.low && (m.held == nil || *m.held <= 0))
}

func newTwoWire(raw i2c.Bus, holds int) *twoWire {
	n := holds
	return &twoWire{Bus: raw, scl: &muxPin{fn: "I2C1_SCL", clocks: &n}, sda: &muxPin{fn: "I2C1_SDA", held: &n}}
}

func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		holds int
		want  bool
	}{{0, false}, {1, true}, {9, true}, {40, false}} {
		w := newTwoWire(failing{}, c.holds)
		if got := recoverI2C(w); got != c.want {
			t.Errorf("a device that wants %d clocks: %v, want %v", c.holds, got, c.want)
		}
		if w.scl.fn != "I2C1_SCL" || w.sda.fn != "I2C1_SDA" {
			t.Errorf("the controller did not get its pins back: %s, %s", w.scl.fn, w.sda.fn)
		}
	}
	if recoverI2C(failing{}) {
		t.Error("a bus without pins recovered")
	}
}

func TestThreeTimeoutsRecoverTheBus(t *testing.T) {
	w := newTwoWire(failing{agent.FaultTimeout}, 4)
	b := NewI2C("i2c-1", w, clock.Elapsed)
	defer b.Close()
	for n := range recoverAfter {
		if got := *w.sda.held; got != 4 {
			t.Fatalf("recovered after %d timeouts", n)
		}
		if err := b.Tx(t.Context(), 1, nil, nil); !errors.Is(err, agent.FaultTimeout) {
			t.Fatal(err)
		}
	}
	if *w.sda.held > 0 {
		t.Error("the bus was not recovered")
	}
}

// pipe is a serial line in memory.
type pipe struct {
	io.Reader
	io.Writer
	closes func() error
}

func (p pipe) Close() error { return p.closes() }

func TestSerial(t *testing.T) {
	fromDevice, device := io.Pipe()
	closed := 0
	s := NewSerial("scanner", pipe{fromDevice, io.Discard, func() error { closed++; return fromDevice.Close() }}, clock.Elapsed)
	if _, err := s.Read(soon(t, 50*time.Millisecond), make([]byte, 1)); !errors.Is(err, agent.FaultTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Read(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) || errors.Is(err, agent.FaultTimeout) {
		t.Errorf("canceled: %v", err)
	}
	if _, err := device.Write([]byte("4006381\r")); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < 8 {
		p := make([]byte, 3)
		n, err := s.Read(soon(t, 5*time.Second), p)
		if err != nil || n == 0 {
			t.Fatalf("%d, %v", n, err)
		}
		got = append(got, p[:n]...)
	}
	if string(got) != "4006381\r" {
		t.Errorf("read %q", got)
	}
	if err := s.Write(t.Context(), []byte("beep")); err != nil {
		t.Error(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Read(context.Background(), make([]byte, 1))
		waiting <- err
	}()
	if err := errors.Join(s.Close(), s.Close()); err != nil || closed != 1 {
		t.Errorf("%v, closed %d times", err, closed)
	}
	if err := <-waiting; err == nil {
		t.Error("a read outlived the line")
	}
	if err := s.Write(t.Context(), []byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestSerialUnplugged(t *testing.T) {
	fromDevice, device := io.Pipe()
	s := NewSerial("scanner", pipe{fromDevice, io.Discard, fromDevice.Close}, clock.Elapsed)
	defer s.Close()
	go func() {
		_, _ = device.Write([]byte("last"))
		_ = device.Close()
	}()
	p := make([]byte, 16)
	if n, err := s.Read(soon(t, 5*time.Second), p); err != nil || string(p[:n]) != "last" {
		t.Errorf("what came before the end: %q, %v", p[:n], err)
	}
	for range 2 {
		if _, err := s.Read(soon(t, 5*time.Second), p); !errors.Is(err, agent.FaultAbsent) {
			t.Errorf("unplugged: %v", err)
		}
	}
}

func TestSerialDeviceOverAPseudoTerminal(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal on this machine: %v", err)
	}
	defer master.Close()
	defer slave.Close()
	h := NewHost(Options{Now: clock.Elapsed})
	defer h.Close()
	s, err := h.Serial(slave.Name(), 9600)
	if err != nil {
		t.Fatal(err)
	}
	const code = "]C1010952123454321310ABC\x1d17260101\r\n\x03" // control characters arrive as they are
	if _, err := master.WriteString(code); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < len(code) {
		p := make([]byte, 64)
		n, err := s.Read(soon(t, 5*time.Second), p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p[:n]...)
	}
	if string(got) != code {
		t.Errorf("read %q, want %q", got, code)
	}
	if same, err := h.Serial(slave.Name(), 9600); err != nil || same != s {
		t.Errorf("asked for again while open: %v, another line: %v", err, same != s)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	again, err := h.Serial(slave.Name(), 9600)
	if err != nil || again == s {
		t.Errorf("opened again after Close: %v, the closed line: %v", err, again == s)
	}
}

func TestHost(t *testing.T) {
	raw := newHangingBus()
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{
		"i2c-1": raw, "GPIO17": &gpiotest.Pin{N: "GPIO17"},
	}})
	var wg sync.WaitGroup
	got := make([]*I2C, 8)
	for i := range got {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got[i], _ = h.I2C("i2c-1")
		}()
	}
	wg.Wait()
	for _, b := range got {
		if b == nil || b != got[0] {
			t.Fatal("a bus was opened twice")
		}
	}
	if _, err := h.SPI("i2c-1"); !errors.Is(err, agent.FaultOpen) {
		t.Errorf("an I²C bus as SPI: %v", err)
	}
	if _, err := h.Pin("GPIO17"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"ds248x:i2c-1:0x77", "ds248x:i2c-1:x", "ds248x:i2c-9"} {
		if _, err := h.OneWire(name); !errors.Is(err, agent.FaultOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(h.Close(), h.Close()); err != nil || raw.closed != 1 {
		t.Errorf("%v, closed %d times", err, raw.closed)
	}
	if _, err := h.I2C("i2c-1"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestHostWithoutThatHardware(t *testing.T) {
	h := NewHost(Options{Now: clock.Elapsed})
	defer h.Close()
	opens := map[string]func() error{
		"i2c-77":   func() error { _, err := h.I2C("i2c-77"); return err },
		"nobus":    func() error { _, err := h.I2C("nobus"); return err },
		"spi77.0":  func() error { _, err := h.SPI("spi77.0"); return err },
		"noport":   func() error { _, err := h.SPI("noport"); return err },
		"OneWire7": func() error { _, err := h.OneWire("OneWire7"); return err },
		"GPIO9999": func() error { _, err := h.Pin("GPIO9999"); return err },
		"/dev/tty-none": func() error {
			_, err := h.Serial("/dev/tty-none", 9600)
			return err
		},
	}
	for name, open := range opens {
		for range 2 { // an attempt that failed is made again
			err := open()
			if !errors.Is(err, agent.FaultOpen) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			t.Log(err)
		}
	}
}

func TestOpenThatHangsHangsNobodyElse(t *testing.T) {
	hang := make(chan struct{})
	slow := func() (io.ReadWriteCloser, error) {
		<-hang
		return nil, os.ErrNotExist
	}
	h := NewHost(Options{Now: clock.Elapsed, Emulated: map[string]any{"slow": slow, "i2c-1": failing{}}})
	defer h.Close()
	got := make(chan error, 1)
	go func() {
		_, err := h.Serial("slow", 9600)
		got <- err
	}()
	if _, err := h.I2C("i2c-1"); err != nil {
		t.Error(err)
	}
	close(hang)
	if err := <-got; !errors.Is(err, agent.FaultOpen) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestPermissionNamesTheGroup(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("as root access is always granted; only the text is checked")
		if got, want := mayNot("/dev/i2c-1", "i2c"), "this user may not use /dev/i2c-1, add it to group i2c"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "i2c-1")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	err := device(path, "i2c", "", "")
	if !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
}
