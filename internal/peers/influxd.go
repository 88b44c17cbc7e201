package peers

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Influx is a real influxd of the 1.8 line, which speaks /api/v2/write and, with Flux
// switched on, /api/v2/query. Its methods are called by the test's goroutine.
//
// A v2 bucket is "<database>/<retention policy>" or just "<database>"; the organization
// is ignored. With Auth, a token is "<user>:<password>".
type Influx struct {
	Port int
	Dir  string

	admin string // "user:password" of the administrator; empty without Auth
	p     *process
}

// InfluxOptions says how influxd is set up.
type InfluxOptions struct {
	Auth    bool     // logins are needed: the administrator is admin/admin-password
	Flux    bool     // switches Flux on, which costs influxd about five seconds at each start
	MaxBody int      // largest body in bytes; 0: influxd's own limit of 25 MB
	Extra   []string // further lines of influxdb.conf
}

// client keeps no connection, so that no goroutine outlives a request.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Influxd starts influxd on 127.0.0.1 and stops it when the test ends.
func Influxd(t testing.TB, o InfluxOptions) *Influx {
	t.Helper()
	path := find(t, "influxd", "FROSTLINE_INFLUXD", "bin/influxd", "influxd/influxd")
	in := &Influx{Port: FreePort(t), Dir: t.TempDir()}
	rpc := FreePort(t)
	var conf strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&conf, format+"\n", args...) }
	line("reporting-disabled = true")
	line("bind-address = \"127.0.0.1:%d\"", rpc)
	line("[meta]\n  dir = %q", filepath.Join(in.Dir, "meta"))
	line("[data]\n  dir = %q\n  wal-dir = %q\n  index-version = \"inmem\"\n  series-id-set-cache-size = 0",
		filepath.Join(in.Dir, "data"), filepath.Join(in.Dir, "wal"))
	line("[monitor]\n  store-enabled = false")
	line("[http]\n  bind-address = \"127.0.0.1:%d\"\n  flux-enabled = %t\n  auth-enabled = %t\n  log-enabled = false",
		in.Port, o.Flux, o.Auth)
	if o.MaxBody > 0 {
		line("  max-body-size = %d", o.MaxBody)
	}
	for _, extra := range o.Extra {
		line("%s", extra)
	}
	config := filepath.Join(in.Dir, "influxdb.conf")
	if err := os.WriteFile(config, []byte(conf.String()), 0o600); err != nil {
		t.Fatalf("peers: set up influxd: %v", err)
	}
	in.p = &process{t: t, name: "influxd", path: path, args: []string{"-config", config}, log: &logBuffer{}}
	t.Cleanup(in.Stop)
	in.Start()
	if o.Auth {
		in.Query(`CREATE USER admin WITH PASSWORD 'admin-password' WITH ALL PRIVILEGES`)
		in.admin = "admin:admin-password"
	}
	return in
}

// Start runs influxd again on the same port after Stop or Kill.
func (in *Influx) Start() {
	in.p.t.Helper()
	in.p.start(func() error {
		resp, err := client.Get(in.URL() + "/ping")
		if err != nil {
			return fmt.Errorf("peers: reach influxd: %w", err)
		}
		return resp.Body.Close()
	})
}

// Stop ends influxd politely. Stopping a stopped one does nothing.
func (in *Influx) Stop() { in.p.end(syscall.SIGTERM) }

// Kill ends influxd with SIGKILL.
func (in *Influx) Kill() { in.p.end(syscall.SIGKILL) }

// URL is where it listens.
func (in *Influx) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", in.Port) }

// Log is everything influxd has written so far.
func (in *Influx) Log() string { return in.p.log.String() }

// CreateBucket makes a database, whose name is the bucket's.
func (in *Influx) CreateBucket(name string) {
	in.p.t.Helper()
	in.Query(`CREATE DATABASE "` + name + `"`)
}

// CreateUser makes a user who may do what the privilege (READ, WRITE or ALL) says in a bucket; the
// token is "<name>:<password>". An empty privilege grants nothing.
func (in *Influx) CreateUser(name, password, privilege, bucket string) (token string) {
	in.p.t.Helper()
	in.Query(fmt.Sprintf(`CREATE USER %q WITH PASSWORD '%s'`, name, password))
	if privilege != "" {
		in.Query(fmt.Sprintf(`GRANT %s ON %q TO %q`, privilege, bucket, name))
	}
	return name + ":" + password
}

// Row is one row of an answer, by column.
type Row map[string]any

// Query runs InfluxQL outside of a database.
func (in *Influx) Query(q string) []Row {
	in.p.t.Helper()
	return in.QueryIn("", q)
}

// QueryIn runs InfluxQL in a bucket and returns all rows of all series; a tag that is
// grouped by is a column too. Numbers are json.Number.
func (in *Influx) QueryIn(bucket, q string) []Row {
	t := in.p.t
	t.Helper()
	form := url.Values{"q": {q}, "db": {bucket}, "epoch": {"ns"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, in.URL()+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatalf("peers: query influxd: %v", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body := in.do(req)
	var answer struct {
		Results []struct {
			Error  string
			Series []struct {
				Name    string
				Tags    map[string]string
				Columns []string
				Values  [][]any
			}
		}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		t.Fatalf("peers: query influxd: %v in %s", err, body)
	}
	var rows []Row
	for _, r := range answer.Results {
		if r.Error != "" {
			t.Fatalf("peers: query influxd: %s", r.Error)
		}
		for _, s := range r.Series {
			for _, v := range s.Values {
				row := Row{"_measurement": s.Name}
				for tag, value := range s.Tags {
					row[tag] = value
				}
				for i, c := range s.Columns {
					row[c] = v[i]
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// Count is how many points of a measurement have the field.
func (in *Influx) Count(bucket, measurement, field string) int {
	t := in.p.t
	t.Helper()
	total := 0
	for _, row := range in.QueryIn(bucket, fmt.Sprintf(`SELECT COUNT(%q) FROM %q`, field, measurement)) {
		n, err := row["count"].(json.Number).Int64()
		if err != nil {
			t.Fatalf("peers: count %s: %v", measurement, err)
		}
		total += int(n)
	}
	return total
}

// Measurements lists the measurements of a bucket.
func (in *Influx) Measurements(bucket string) []string {
	in.p.t.Helper()
	var names []string
	for _, row := range in.QueryIn(bucket, `SHOW MEASUREMENTS`) {
		names = append(names, row["name"].(string))
	}
	return names
}

// Flux runs a Flux query and returns its rows; the peer must have been started with Flux.
func (in *Influx) Flux(q string) []Row {
	t := in.p.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, in.URL()+"/api/v2/query", strings.NewReader(q))
	if err != nil {
		t.Fatalf("peers: flux: %v", err)
	}
	req.Header.Set("Content-Type", "application/vnd.flux")
	req.Header.Set("Accept", "application/csv")
	r := csv.NewReader(bytes.NewReader(in.do(req)))
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatalf("peers: flux: %v", err)
	}
	var rows []Row
	var columns []string
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l[0], "#"):
			columns = nil
		case columns == nil:
			columns = l
		default:
			row := Row{}
			for i, v := range l {
				if i < len(columns) && columns[i] != "" {
					row[columns[i]] = v
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// do sends a request as the administrator and returns the body of its answer.
func (in *Influx) do(req *http.Request) []byte {
	t := in.p.t
	t.Helper()
	if in.admin != "" {
		req.Header.Set("Authorization", "Token "+in.admin)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("peers: ask influxd: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("peers: ask influxd: %v", err)
	}
	if resp.StatusCode/100 != 2 {
		t.Fatalf("peers: influxd answers %s: %s", resp.Status, body)
	}
	return body
}

// Write writes line protocol with timestamps in ns into a bucket.
func (in *Influx) Write(bucket, lines string) {
	t := in.p.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		in.URL()+"/api/v2/write?precision=ns&bucket="+url.QueryEscape(bucket), strings.NewReader(lines))
	if err != nil {
		t.Fatalf("peers: write to influxd: %v", err)
	}
	in.do(req)
}

// Now is the server's clock.
func (in *Influx) Now() time.Time {
	t := in.p.t
	t.Helper()
	resp, err := client.Head(in.URL() + "/ping")
	if err != nil {
		t.Fatalf("peers: ask influxd for the time: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		t.Fatalf("peers: ask influxd for the time: %v", err)
	}
	return now
}
