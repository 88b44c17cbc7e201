package barcode_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/barcode"
	"github.com/frostline/frostline/sensors/sensortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gun is a scanner on a serial line.
type gun struct {
	mu   sync.Mutex
	line *io.PipeWriter // of the port that is open; nil while none is
	wait []string       // typed meanwhile
	gone bool
}

func (g *gun) open() (io.ReadWriteCloser, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return nil, errors.New("no such device")
	}
	r, w := io.Pipe()
	g.line = w
	for _, text := range g.wait {
		go write(w, text)
	}
	g.wait = nil
	return port{r}, nil
}

func (g *gun) unplug() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = true
	_ = g.line.Close()
	g.line = nil
}

func (g *gun) plug() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = false
}

// send types on the port that is open, or that is opened next.
func (g *gun) send(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.line == nil {
		g.wait = append(g.wait, text)
		return
	}
	go write(g.line, text)
}

// write ends at the latest when the port is closed; what it has not heard then is lost.
func write(w *io.PipeWriter, text string) { _, _ = io.WriteString(w, text) }

type port struct{ *io.PipeReader }

func (port) Write(p []byte) (int, error) { return len(p), nil }

func TestConformance(t *testing.T) {
	sensortest.RunScanner(t, sensortest.ScannerSuite{
		Driver: barcode.Driver,
		Place: func(b *sensortest.Bench) any {
			g := &gun{}
			b.Raw("/dev/ttyACM0", g.open)
			b.Unplug, b.Plug = g.unplug, g.plug
			b.Present = func() { g.send("]C10104012345678901\x1d10ABC\r") }
			return config(barcode.Either)
		},
		Want:      sensors.Observation{Code: "0104012345678901\x1d10ABC", Symbology: "]C1"},
		Unchecked: true,
	})
}

func config(end barcode.Terminator) *barcode.Config {
	c := barcode.Driver.Config().(*barcode.Config)
	c.Device, c.Terminator, c.Gap = "/dev/ttyACM0", end, 30*time.Millisecond
	return c
}

// TestTerminal reads a real terminal device, which is what a USB scanner is.
func TestTerminal(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer far.Close()
	defer near.Close()
	b := sensortest.NewBench()
	c := config(barcode.CRLF)
	c.Device, c.Gap = near.Name(), 2*time.Second
	scanner, err := barcode.Driver.Open(t.Context(), b.Host(), c)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan sensors.Observation, 8)
	ended := make(chan error, 1)
	go func() { ended <- scanner.Run(t.Context(), func(o sensors.Observation) { seen <- o }) }()
	for _, text := range []string{"40063", "81333931\r", "\n]E04006381333931\r\n"} {
		if _, err := io.WriteString(far, text); err != nil {
			t.Fatal(err)
		}
	}
	want := []sensors.Observation{
		{Code: "4006381333931", Symbology: agent.SymbologyUnknown}, {Code: "4006381333931", Symbology: "]E0"},
	}
	for _, w := range want {
		select {
		case got := <-seen:
			if got != w {
				t.Errorf("got %+v, want %+v", got, w)
			}
		case err := <-ended:
			t.Fatalf("run ended: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatal("no code")
		}
	}
	far.Close() // the scanner is pulled out
	select {
	case err := <-ended:
		if err == nil {
			t.Error("run of an unplugged scanner returned nil")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("run does not notice that the scanner is gone")
	}
	if err := errors.Join(scanner.Close(), b.Close()); err != nil {
		t.Error(err)
	}
}

// A line whose settings are wrong is given up, and how many codes were unreadable until then
// is said.
func TestUnreadableCodesAreCounted(t *testing.T) {
	b, g := sensortest.NewBench(), &gun{}
	b.Raw("/dev/ttyACM0", g.open)
	scanner, err := barcode.Driver.Open(t.Context(), b.Host(), config(barcode.CR))
	if err != nil {
		t.Fatal(err)
	}
	g.send("\xff\xfe\r123\r" + strings.Repeat("\xff\r", 8))
	err = scanner.Run(t.Context(), func(sensors.Observation) {})
	if !errors.Is(err, agent.FaultProtocol) || !strings.Contains(err.Error(), "8 codes in a row are unreadable, 9 of 10 since the start") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(scanner.Close(), b.Close()); err != nil {
		t.Error(err)
	}
}
