package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

// written is what this process had written to disks so far, after the kernel's accounting.
func written(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("no /proc/self/io: bytes written cannot be measured: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		var n int64
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &n); err == nil {
			return n
		}
	}
	t.Skip("/proc/self/io has no write_bytes: bytes written cannot be measured")
	return 0
}

// diskDir is a directory on a real disk: a tmpfs writes nothing.
func diskDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", "bench-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // the next run does not care
	return dir
}

// BenchmarkAppend is a commit of 100 readings with two cursors moving, as an agent with
// 100 sensors at one second has it.
func BenchmarkAppend(b *testing.B) {
	r := newRig(b)
	r.stop()
	o := r.opt
	o.Dir = diskDir(b)
	r = start(b, o, r.clock)
	var defs []agent.Definition
	for i := range 100 {
		defs = append(defs, definition(i))
	}
	r.Define(defs)
	r.put(alarm(r.clock.Now(), "x"))
	before, n := written(b), 0
	for b.Loop() {
		r.clock.Advance(time.Second)
		ticket := r.Append(readings(r.clock.Now(), 100, 4_250_000+agent.Value(n%7)*10_000), Urgent())
		wait(b, ticket)
		for _, lane := range []string{"urgent", "main"} {
			if err := r.Acked(context.Background(), Cursor{"hq", lane}, r.Head(), []byte("12345678")); err != nil {
				b.Fatal(err)
			}
		}
		n++
	}
	if err := r.stop(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(written(b)-before)/float64(100*n), "B/reading")
}

// BenchmarkAfter reads a backlog in pages as the pump does.
func BenchmarkAfter(b *testing.B) {
	r := newRig(b)
	for range 2000 {
		r.clock.Advance(time.Second)
		r.Append(readings(r.clock.Now(), 100, 4_250_000))
	}
	r.put(alarm(r.clock.Now(), "x"))
	var buf []agent.Record
	var p agent.Position
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		var err error
		buf, err = r.AppendAfter(context.Background(), buf[:0], p, 1000)
		if err != nil {
			b.Fatal(err)
		}
		if n += len(buf); len(buf) == 0 {
			p = agent.Position{}
			continue
		}
		p = buf[len(buf)-1].Position
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "readings/s")
}
