package daemon

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/peers"
)

// metricNames is the surface that dashboards rely on: a name is never taken away.
var metricNames = []string{
	"frostline_alarms", "frostline_alarms_raised_total", "frostline_condition", "frostline_goroutines",
	"frostline_reading_age_seconds", "frostline_reading_faults_total", "frostline_readings_total", "frostline_scans_total",
	"frostline_store_bytes", "frostline_store_in_memory", "frostline_store_records",
	"frostline_upstream_bytes_total", "frostline_upstream_taken_total", "frostline_upstream_waiting", "frostline_value",
}

// get asks the page and keeps no connection.
func get(t *testing.T, url string) (code int, body string, ok bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", false
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err == nil
}

// The health page says what is wrong in words, with the remedy; /healthz is 503 while something
// critical is; /metrics has its names.
func TestThePageTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r, disk := newRig(t), &sickDisk{}
	r.fault = disk.fault
	r.web = fmt.Sprintf("127.0.0.1:%d", peers.FreePort(t))
	r.start(twoRooms + fmt.Sprintf("upstreams: [{id: hq, driver: mqtt, url: \"mqtt://127.0.0.1:%d\"}]\n", peers.FreePort(t)))
	r.measured(2)
	url := "http://" + r.web
	eventually(t, "served", func() bool { _, _, ok := get(t, url); return ok })
	if code, body, _ := get(t, url+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz of a healthy agent: %d %q", code, body)
	}
	r.dial("a").set(9)
	r.tick(10*time.Second, 2)
	r.shown("upstream-unreachable", "upstream/hq")
	eventually(t, "announced", func() bool { return len(r.bell.of("warm")) == 1 })
	disk.refuse("begin", sqlite3.Error{Code: sqlite3.ErrIoErr})
	defer disk.heal()
	r.dial("b").fail(agent.FaultCRC)
	r.tick(10*time.Second, 2)
	r.shown("store-failing", "store")
	code, body, _ := get(t, url+"/healthz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "store-failing") {
		t.Errorf("/healthz with a failing disk: %d %q", code, body)
	}
	_, page, _ := get(t, url+"/")
	for _, want := range []string{"gw-01", "Vaccine cold room", "The disk refuses writes", "Check the disk or card", "a/temperature", "9 °C", "crc", "hq"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if code, _, _ := get(t, url+"/nothing"); code != http.StatusNotFound {
		t.Errorf("a page that does not exist: %d", code)
	}
	_, text, _ := get(t, url+"/metrics")
	names := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	var got []string
	for n := range names {
		got = append(got, n)
	}
	slices.Sort(got)
	if !slices.Equal(got, metricNames) {
		t.Errorf("metrics\n%v\nwant\n%v", got, metricNames)
	}
	if strings.Contains(text, `point="b/temperature",quantity="temperature"`) {
		t.Error("a point without a value has one in the metrics")
	}
}

// An address that is taken is a condition and does not keep the agent from measuring.
func TestAPageThatCannotBeServedDelaysNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.web = peers.StartEmbedded(t, peers.EmbeddedOptions{}).Addr()
	r.start(twoRooms)
	r.measured(2)
	r.tick(10*time.Second, 2)
	r.shown("page-failing", "web")
}

// The verbs of the control socket: who did what is on record, a backup opens as a store, and what
// cannot be done is said.
func TestControlVerbs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(twoRooms)
	r.measured(2)
	r.durable()
	c := r.client()
	ctx := t.Context()

	var stat store.Stat
	if err := c.Get(ctx, "store", &stat); err != nil || stat.Records[agent.KindReadings] != 2 {
		t.Errorf("store: %+v, %v", stat.Records, err)
	}
	lines := make(chan string, 100)
	tailing, stopTail := context.WithCancel(ctx)
	tailed := make(chan error, 1)
	go func() {
		tailed <- c.Tail(tailing, func(line []byte) error { lines <- string(line); return nil })
	}()
	eventually(t, "tail shows a reading", func() bool {
		r.tick(10*time.Second, 2)
		select {
		case l := <-lines:
			return strings.Contains(l, `"point":"a/temperature"`) || strings.Contains(l, `"point":"b/temperature"`)
		default:
			return false
		}
	})
	stopTail()
	<-tailed

	backup := filepath.Join(t.TempDir(), "frostline.db")
	if err := c.Post(ctx, "store/backup", control.BackupRequest{File: backup, By: "li"}, &control.CountReply{}); err != nil {
		t.Fatalf("backup: %v", err)
	}
	db, err := store.OpenReadOnly(ctx, filepath.Dir(backup))
	if err != nil {
		t.Fatalf("open the backup: %v", err)
	}
	if n := len(allOf(t, db, agent.KindReadings)); n < 4 {
		t.Errorf("the backup holds %d readings", n)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"a backup to a relative path":  c.Post(ctx, "store/backup", control.BackupRequest{File: "x", By: "li"}, &control.CountReply{}),
		"an unknown alarm":             c.Post(ctx, "ack", control.AckRequest{ID: "nothing", By: "li"}, &control.CountReply{}),
		"an unknown upstream":          c.Post(ctx, "store/requeue", control.UpstreamRequest{Upstream: "x", By: "li"}, &control.CountReply{}),
		"a reload that nobody offers":  c.Post(ctx, "reload", control.ByRequest{By: "li"}, &control.CountReply{}),
		"setting a clock of the tests": c.Post(ctx, "clock", control.ClockRequest{By: "li"}, &control.CountReply{}),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	acts := 0
	for _, rec := range r.records(agent.KindAlarms) {
		if a := rec.Event.Act; a != nil && a.Verb == "backup" && a.By == "li" && a.Subject == backup {
			acts++
		}
	}
	if acts != 1 {
		t.Errorf("%d acts tell of the backup", acts)
	}
}
