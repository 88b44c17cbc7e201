package peers

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMosquittoStopsAndStartsOnTheSamePort(t *testing.T) {
	b := Mosquitto(t, BrokerOptions{})
	for _, stop := range []func(){b.Stop, b.Kill} {
		stop()
		if c, err := net.Dial("tcp", b.Addr()); err == nil {
			_ = c.Close()
			t.Fatal("still listens after its end")
		}
		b.Start()
	}
	if !strings.Contains(b.Log(), "mosquitto version") {
		t.Errorf("log lacks the version:\n%s", b.Log())
	}
}

const twoPoints = "temperature,site=s1 value=4.25 1000\ntemperature,site=s1 value=5 2000"

func TestInfluxdWritesAndCounts(t *testing.T) {
	in := Influxd(t, InfluxOptions{})
	in.CreateBucket("cold")
	in.Write("cold", twoPoints)
	in.Stop()
	in.Start()
	in.Write("cold", twoPoints)
	if n := in.Count("cold", "temperature", "value"); n != 2 {
		t.Errorf("counted %d points, want 2", n)
	}
	if got := in.Measurements("cold"); len(got) != 1 || got[0] != "temperature" {
		t.Errorf("measurements %v", got)
	}
}

func TestInfluxdSpeaksFlux(t *testing.T) {
	in := Influxd(t, InfluxOptions{Flux: true})
	in.CreateBucket("cold")
	in.Write("cold", twoPoints)
	rows := in.Flux(`from(bucket:"cold") |> range(start: 1970-01-01T00:00:00Z) |> filter(fn: (r) => r._measurement == "temperature")`)
	if len(rows) != 2 || fmt.Sprint(rows[0]["_value"]) != "4.25" {
		t.Errorf("flux rows %v", rows)
	}
}

func TestInfluxdWithLogins(t *testing.T) {
	in := Influxd(t, InfluxOptions{Auth: true})
	in.CreateBucket("cold")
	if token := in.CreateUser("gw", "secret", "WRITE", "cold"); token != "gw:secret" {
		t.Errorf("token %q", token)
	}
	if n := in.Count("cold", "temperature", "value"); n != 0 {
		t.Errorf("counted %d points in an empty bucket", n)
	}
}

func TestProxyHoldsCutsAndRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	p := NewProxy(t, l.Addr().String())
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	buf := make([]byte, 4)
	p.Hold()
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	p.Flow()
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "ping" {
		t.Fatalf("echo %q, %v", buf, err)
	}
	p.Refuse()
	if _, err := c.Read(buf); err == nil {
		t.Error("the connection outlived Refuse")
	}
	p.Accept()
	if p.Accepted() != 1 {
		t.Errorf("%d connections, want 1", p.Accepted())
	}
}

// fakeTB records how a test would have ended.
type fakeTB struct {
	testing.TB
	skipped, failed string
}

func (f *fakeTB) Helper()                           {}
func (f *fakeTB) Skipf(format string, args ...any)  { f.skipped = fmt.Sprintf(format, args...) }
func (f *fakeTB) Fatalf(format string, args ...any) { f.failed = fmt.Sprintf(format, args...) }

func TestAMissingPeerIsAnnouncedAndFailsInCI(t *testing.T) {
	t.Setenv("FROSTLINE_NOTHING", "")
	if err := os.Unsetenv("FROSTLINE_NOTHING"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CI", "")
	f := &fakeTB{}
	find(f, "no-such-program", "FROSTLINE_NOTHING")
	if f.failed != "" || !strings.Contains(f.skipped, "no-such-program is not installed") {
		t.Errorf("skipped %q, failed %q", f.skipped, f.failed)
	}
	t.Setenv("CI", "true")
	f = &fakeTB{}
	find(f, "no-such-program", "FROSTLINE_NOTHING")
	if f.skipped != "" || !strings.Contains(f.failed, "make test-deps") {
		t.Errorf("skipped %q, failed %q", f.skipped, f.failed)
	}
}
