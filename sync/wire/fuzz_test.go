package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Any bytes are an error or a batch that both encodings carry unchanged and of which each
// record makes one sound line.
func FuzzParseBatch(f *testing.F) {
	files, err := filepath.Glob("testdata/batch-*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		data = bytes.TrimSpace(data)
		if strings.HasSuffix(path, ".hex") {
			if data, err = hex.DecodeString(string(data)); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBatch(data)
		if err != nil {
			return
		}
		withoutQuick(t, data, &b)
		again, err := ParseBatch(reencode(t, &b))
		if err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("plain again (%v):\n%+v\nwant\n%+v", err, again, b)
		}
		compact, err := AppendCompact(nil, b.From, upstream.Batch{Epoch: b.Epoch, Prev: b.Prev, Hist: b.Hist, Records: b.Records}, &b)
		if err != nil {
			t.Fatalf("compact: %v", err)
		}
		if again, err = ParseBatch(compact); err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("compact again (%v):\n%+v\nwant\n%+v", err, again, b)
		}
		for i := range b.Records {
			text, err := AppendLine(nil, b.From, &b.Records[i], &b)
			if err != nil {
				t.Fatalf("line: %v", err)
			}
			if _, err := parseLine(string(text)); err != nil {
				t.Fatalf("line %q: %v", text, err)
			}
		}
	})
}

// withoutQuick holds the quick way of reading against the strict one.
func withoutQuick(t interface {
	Helper()
	Fatalf(string, ...any)
}, data []byte, b *Batch) {
	t.Helper()
	var head plainHead
	if data[0] == compactVersion || json.Unmarshal(data, &head) != nil {
		return
	}
	for i, raw := range head.Records {
		d := decoder{epoch: b.Epoch, points: head.Points, defs: map[agent.DefID]agent.Definition{}}
		var r agent.Record
		if err := d.record(raw, &r); err != nil || !reflect.DeepEqual(r, b.Records[i]) {
			t.Fatalf("record %d of %s: strictly (%v)\n%+v\nquickly\n%+v", i, data, err, r, b.Records[i])
		}
	}
}

// Columns are mostly reached behind a whole DEFLATE stream, which mutation rarely leaves whole.
func FuzzParseColumns(f *testing.F) {
	all, defs := goldenBatches()
	for _, b := range all {
		if !allReadings(b.Records) {
			continue
		}
		points, err := tabulate(b.Records, defs)
		if err != nil {
			f.Fatal(err)
		}
		_, body, err := columns(testGateway, &b, points)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, uint8(len(b.Records)), uint8(len(points.rows)))
	}
	f.Fuzz(func(t *testing.T, body []byte, n, d uint8) {
		if n == 0 || d == 0 || d > n {
			return
		}
		b := Batch{From: testGateway, Epoch: testEpoch, First: 1}
		if b.parseColumns(body, int(n), definitionsOf(int(d))) != nil {
			return
		}
		if _, b.Last = ends(b.Records); b.checkRange() != nil {
			return
		}
		again, err := ParseBatch(reencode(t, &b))
		if err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("plain again (%v):\n%+v\nwant\n%+v", err, again, b)
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	for _, name := range []string{"status-online.json", "status-will.json", "info.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := ParseStatus(data); err == nil {
			if again, err := ParseStatus(s.Append(nil)); err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("status again (%v): %+v, want %+v", err, again, s)
			}
		}
		if g, info, err := ParseInfo(data); err == nil {
			if _, err := AppendInfo(nil, g, info); err != nil {
				t.Fatalf("info again: %v", err)
			}
		}
	})
}
