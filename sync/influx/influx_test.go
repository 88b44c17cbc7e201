package influx

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an upstream with a host that the test controls.
type rig struct {
	upstream.Upstream
	defs upstreamtest.Definitions

	mu      sync.Mutex
	holds   map[string]string
	read    atomic.Int64
	written atomic.Int64
}

func (r *rig) Add(read, written int) { r.read.Add(int64(read)); r.written.Add(int64(written)) }

func (r *rig) Raise(code, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holds[code] = detail
}

func (r *rig) Clear(code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.holds, code)
}

func (r *rig) condition(code string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.holds[code]
	return ok
}

func newRig(t *testing.T, url string, change func(*Config, *upstream.Host)) *rig {
	t.Helper()
	r := &rig{defs: upstreamtest.Points(), holds: map[string]string{}}
	h := upstreamtest.Host(r.defs)
	h.Conditions, h.Meter = r, r
	c := *Driver.Config().(*Config)
	c.URL, c.Org, c.Bucket = url, "hq", "cold"
	if change != nil {
		change(&c, &h)
	}
	up, err := Driver.Open(t.Context(), h, &c)
	if err != nil {
		t.Fatal(err)
	}
	r.Upstream = up
	t.Cleanup(func() {
		if err := up.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) readings(first agent.Seq, n int) upstream.Batch {
	return r.defs.Batch(agent.KindReadings, first, n)
}

func (r *rig) deliver(t *testing.T, b upstream.Batch) {
	t.Helper()
	if err := r.Deliver(t.Context(), b); err != nil {
		t.Fatalf("deliver: %v", err)
	}
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	var r *upstream.Refused
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("error %v, want Refused with %s", err, code)
	}
}

// rejectedSeqs wants *upstream.Rejected and lists what it names.
func rejectedSeqs(t *testing.T, err error) []agent.Seq {
	t.Helper()
	var r *upstream.Rejected
	if !errors.As(err, &r) {
		t.Fatalf("error %v, want Rejected", err)
	}
	var seqs []agent.Seq
	for _, record := range r.Records {
		if record.Reason == "" || record.Position.Epoch != upstreamtest.Epoch {
			t.Errorf("%+v", record)
		}
		seqs = append(seqs, record.Position.Seq)
	}
	slices.Sort(seqs)
	return seqs
}

func TestARealServerTakesEveryKindAndAReplayOverwritesItself(t *testing.T) {
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.CreateBucket("cold")
	for _, compressed := range []string{GzipOn, GzipOff} {
		r := newRig(t, in.URL(), func(c *Config, _ *upstream.Host) { c.Gzip = compressed })
		for _, kind := range agent.Kinds() {
			r.deliver(t, r.defs.Batch(kind, 1, 200))
		}
		all := r.readings(1000, 2000)
		r.deliver(t, all)
		all.Hist, all.Prev, all.Records = true, 1499, all.Records[500:]
		r.deliver(t, all)
		if r.read.Load() == 0 || r.written.Load() == 0 {
			t.Error("nothing metered")
		}
	}
	faults := in.Count("cold", wire.MeasurementFaults, "fault")
	values := in.Count("cold", "temperature", "value")
	if faults+values != 2200 || faults == 0 {
		t.Errorf("%d values and %d faults of 2200 readings", values, faults)
	}
	for measurement, field := range map[string]string{
		wire.MeasurementScans: "code", wire.MeasurementAlarms: "transition", wire.MeasurementStock: "balance", wire.MeasurementEvents: "content",
	} {
		if n := in.Count("cold", measurement, field); n != 200 {
			t.Errorf("%d %s of 200", n, measurement)
		}
	}
}

func TestARealServerRejectsOneRecordOfABatch(t *testing.T) {
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.CreateBucket("cold")
	// A stranger wrote probe-2's seq as a text: the field has one type for ever.
	def := agent.Definition{}
	r := newRig(t, in.URL(), nil)
	for _, d := range r.defs {
		if d.Point == "probe-2/temperature" {
			def = d
		}
	}
	one := r.readings(6, 1) // probe-2
	at := one.Records[0].Reading.At.Wall
	if one.Records[0].Reading.Def != def.ID {
		t.Fatal("seq 6 is not of probe-2")
	}
	in.Write("cold", fmt.Sprintf("temperature,gateway=other value=\"text\" %d", at.UnixNano()))
	err := r.Deliver(t.Context(), r.readings(1, 40))
	// The type conflict is the whole measurement's: every value is refused, the two faults are taken.
	seqs := rejectedSeqs(t, err)
	if len(seqs) != 38 || slices.Contains(seqs, 17) || slices.Contains(seqs, 34) {
		t.Errorf("rejected %v", seqs)
	}
	if !strings.Contains(err.Error(), "field type conflict") {
		t.Errorf("%v does not say what the server said", err)
	}
	if n := in.Count("cold", wire.MeasurementFaults, "fault"); n != 2 {
		t.Errorf("%d faults of 2 are there", n)
	}
}

func TestARealServerWhoseRetentionIsOverForSomeRecords(t *testing.T) {
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.Query(`CREATE DATABASE "cold" WITH DURATION 52w`)
	r := newRig(t, in.URL(), nil)
	batch := r.readings(1, 64)
	for i := range batch.Records {
		at := batch.Records[i].At()
		at.Wall = in.Now()
		if i == 20 || i == 40 || i == 41 {
			at.Wall = at.Wall.AddDate(-3, 0, 0)
		}
		batch.Records[i].SetAt(at)
	}
	if seqs := rejectedSeqs(t, r.Deliver(t.Context(), batch)); !slices.Equal(seqs, []agent.Seq{21, 41, 42}) {
		t.Errorf("rejected %v, want 21, 41, 42", seqs)
	}
	n := in.Count("cold", "temperature", "value") + in.Count("cold", wire.MeasurementFaults, "fault")
	if n != 61 {
		t.Errorf("%d records of 61 are there", n)
	}
}

func TestARealServersRefusals(t *testing.T) {
	in := peers.Influxd(t, peers.InfluxOptions{Auth: true})
	in.CreateBucket("cold")
	may := in.CreateUser("gw", "secret", "WRITE", "cold")
	mayNot := in.CreateUser("other", "secret", "", "")
	for name, c := range map[string]struct{ token, bucket, code string }{
		"no token":       {"", "cold", "upstream-login"},
		"a wrong token":  {"gw:wrong", "cold", "upstream-login"},
		"no permission":  {mayNot, "cold", "upstream-denied"},
		"another bucket": {may, "warm", "upstream-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, in.URL(), func(cfg *Config, _ *upstream.Host) { cfg.Token, cfg.Bucket = c.token, c.bucket })
			refused(t, r.Deliver(t.Context(), r.readings(1, 3)), c.code)
		})
	}
	token := "gw:old"
	r := newRig(t, in.URL(), func(c *Config, h *upstream.Host) {
		c.Token = "${credential:influx-token}"
		h.Secret = func(ref string) (string, error) { return token, nil }
	})
	refused(t, r.Deliver(t.Context(), r.readings(1, 3)), "upstream-login")
	token = may
	r.deliver(t, r.readings(1, 3))
	if n := in.Count("cold", "temperature", "value"); n != 3 {
		t.Errorf("%d records of 3", n)
	}
}

func TestARealServerThatStopsAndStarts(t *testing.T) {
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.CreateBucket("cold")
	r := newRig(t, in.URL(), nil)
	r.deliver(t, r.readings(1, 3))
	for i, end := range []func(){in.Stop, in.Kill} {
		end()
		for range 2 {
			var no *upstream.Refused
			if err := r.Deliver(t.Context(), r.readings(4, 3)); err == nil || errors.As(err, &no) {
				t.Fatalf("with the server gone: %v, want an unknown end", err)
			}
		}
		in.Start()
		r.deliver(t, r.readings(agent.Seq(4+3*i), 3))
	}
	if n := in.Count("cold", "temperature", "value"); n != 9 {
		t.Errorf("%d records of 9", n)
	}
}
