package store

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

// damaged makes a store of some commits, stops it, lets spoil have its files, and starts it again.
func damaged(t *testing.T, clean bool, spoil func(path string)) (before []agent.Record, r *rig) {
	t.Helper()
	r = newRig(t)
	for i := range 90 {
		r.Define([]agent.Definition{definition(i)})
	}
	for i := range 200 {
		r.clock.Advance(time.Minute)
		r.Append(readings(r.clock.Now(), 90, agent.Value(i)*1_000_000), WithState("rules", []byte("kept")))
		if i%10 == 0 {
			r.put(alarm(r.clock.Now(), "a"))
		}
	}
	r.put(scanned(r.clock.Now(), "last"))
	before = r.all()
	dir := r.opt.Dir
	if clean {
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	} else {
		dir = filepath.Join(t.TempDir(), "copy")
		copyFiles(t, r.opt.Dir, dir)
		r.stop() //nolint:errcheck // the copy goes on
	}
	spoil(filepath.Join(dir, fileName))
	o := r.opt
	o.Dir, o.Conditions = dir, newConditions()
	r = start(t, o, r.clock)
	return before, r
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileName, fileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

// accounted fails unless every record of before is there with its content, or named by a gap.
func accounted(t *testing.T, before, after []agent.Record) (lost int) {
	t.Helper()
	have := map[agent.Position]agent.Record{}
	var gaps []agent.Range
	for _, r := range after {
		if _, twice := have[r.Position]; twice {
			t.Fatalf("%s is there twice", r.Position)
		}
		have[r.Position] = r
		if r.Type == agent.TypeEvent && r.Event.Gap != nil {
			gaps = append(gaps, r.Event.Gap.Ranges...)
		}
	}
	open := false // where the damaged file ended is not known
	for _, r := range after {
		open = open || r.Type == agent.TypeEvent && r.Event.Gap != nil && strings.Contains(r.Event.Gap.Detail, "not known")
	}
	end := 0
	for i, r := range before {
		if _, ok := have[r.Position]; ok {
			end = i
		}
	}
	for i, r := range before {
		if open && i > end {
			lost++
			continue
		}
		got, ok := have[r.Position]
		if ok {
			if !same(r, got) {
				t.Fatalf("%s came back as %+v, was %+v", r.Position, got, r)
			}
			continue
		}
		lost++
		if !slices.ContainsFunc(gaps, func(g agent.Range) bool {
			return g.Epoch == r.Position.Epoch && g.First <= r.Position.Seq && r.Position.Seq <= g.Last
		}) {
			t.Fatalf("%s is lost and no gap names it: %+v", r.Position, gaps)
		}
	}
	return lost
}

func same(a, b agent.Record) bool {
	if a.Position != b.Position || a.Type != b.Type || !a.At().Wall.Equal(b.At().Wall) || a.At().Mono != b.At().Mono {
		return false
	}
	if a.Type == agent.TypeReading {
		x, y := a.Reading, b.Reading
		x.At, y.At = agent.Instant{}, agent.Instant{}
		return x == y
	}
	return true
}

func TestDamageIsSetAsideAndSalvaged(t *testing.T) {
	t.Parallel()
	flip := func(t *testing.T, path string, at int64, n int) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b := make([]byte, n)
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] ^= 0xa5
		}
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	size := func(path string) int64 { return sizeOf(path) }
	for _, tc := range []struct {
		name  string
		clean bool
		most  int // records that may be lost
		spoil func(t *testing.T, path string)
	}{
		{"header gone", true, 0, func(t *testing.T, p string) { flip(t, p, 0, 16) }},
		{"a pack flipped", true, 1000, func(t *testing.T, p string) {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			at := -1
			err = carve(p, false, func(id int64, body []byte) {
				if h, _, err := decodeHead(body); err == nil && h.kind == codeReadings && id > 9000 && at < 0 {
					at = bytes.Index(b, body[:60])
				}
			})
			if err != nil || at < 0 {
				t.Fatal("no pack to be flipped", err)
			}
			flip(t, p, int64(at)+50, 3)
		}},
		{"pages overwritten", true, 4000, func(t *testing.T, p string) { flip(t, p, size(p)/2/pageSize*pageSize, 8*pageSize) }},
		{"end cut off", true, 4000, func(t *testing.T, p string) {
			if err := os.Truncate(p, size(p)-16*pageSize); err != nil {
				t.Fatal(err)
			}
		}},
		{"first tables overwritten", true, 500, func(t *testing.T, p string) { flip(t, p, pageSize, 6*pageSize) }},
		{"WAL flipped in the middle", false, 2000, func(t *testing.T, p string) {
			flip(t, p+"-wal", size(p+"-wal")/2, 64)
		}},
		{"WAL header flipped", false, 0, func(t *testing.T, p string) { flip(t, p+"-wal", 8, 16) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var evidence []byte
			before, r := damaged(t, tc.clean, func(p string) {
				tc.spoil(t, p)
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				evidence = b
			})
			r.clock.Advance(time.Hour)
			r.put(readings(r.clock.Now(), 3, 1)...)
			// A flipped pack is found by whoever reads it.
			for p := (agent.Position{}); ; {
				page, err := r.After(context.Background(), p, 1000)
				if err != nil || len(page) == 0 {
					break
				}
				p = page[len(page)-1].Position
			}
			eventually(t, "set aside", func() bool { return r.cond.was("store-damaged") })
			eventually(t, "salvaged", func() bool { return !r.cond.holds("store-damaged") })
			r.put(readings(r.clock.Now(), 1, 2)...)
			lost := accounted(t, before, r.all())
			t.Logf("%d of %d records lost", lost, len(before))
			if lost > tc.most {
				t.Errorf("%d of %d records lost", lost, len(before))
			}
			names, err := filepath.Glob(filepath.Join(r.opt.Dir, fileName+".damaged-*"))
			if err != nil || len(names) == 0 {
				t.Fatalf("nothing set aside: %v", err)
			}
			if b, err := os.ReadFile(names[0]); err != nil || !bytes.Equal(b, evidence) {
				t.Errorf("the evidence was changed: %v", err)
			}
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			rep, err := Check(context.Background(), r.opt.Dir)
			if err != nil || !rep.OK {
				t.Errorf("check: %+v %v", rep, err)
			}
		})
	}
}

func TestTornTailIsAnUncleanEnd(t *testing.T) {
	t.Parallel()
	before, r := damaged(t, false, func(p string) {
		if err := os.Truncate(p+"-wal", sizeOf(p+"-wal")-100); err != nil {
			t.Fatal(err)
		}
	})
	r.put(readings(r.clock.Now(), 1, 2)...)
	if r.cond.was("store-damaged") {
		t.Error("a cut tail of the WAL is what a power cut leaves behind")
	}
	after := r.all()
	first := after[len(after)-2]
	if first.Event == nil || first.Event.Epoch == nil || first.Event.Epoch.Reason != "unclean" {
		t.Fatalf("no new epoch: %+v", first)
	}
	e := first.Event.Epoch
	kept := after[:len(after)-2]
	if e.LastSeq != kept[len(kept)-1].Position.Seq || e.Previous != before[0].Position.Epoch {
		t.Errorf("epoch event %+v after %s", e, kept[len(kept)-1].Position)
	}
	for i := range kept {
		if !same(kept[i], before[i]) {
			t.Fatalf("%s differs", kept[i].Position)
		}
	}
}

// TestPowerFailsWhileSettingAside interrupts the replacement of a damaged file after each step.
func TestPowerFailsWhileSettingAside(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		stop func(t *testing.T, path string)
	}{
		{"before the WAL was renamed", func(t *testing.T, path string) {
			if err := os.Rename(path, path+".damaged-20260301T000000Z"); err != nil {
				t.Fatal(err)
			}
		}},
		{"before the fresh file was there", func(t *testing.T, path string) {
			if _, err := setAside(path, "damaged", agent.Instant{Wall: began}); err != nil {
				t.Fatal(err)
			}
		}},
		{"before the order to salvage was kept", func(t *testing.T, path string) {
			if _, err := setAside(path, "damaged", agent.Instant{Wall: began}); err != nil {
				t.Fatal(err)
			}
			if err := createFile(path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, r := damaged(t, false, func(p string) { tc.stop(t, p) })
			r.put(readings(r.clock.Now(), 1, 2)...)
			eventually(t, "salvaged", func() bool { return r.cond.was("store-damaged") && !r.cond.holds("store-damaged") })
			if lost := accounted(t, before, r.all()); lost != 0 {
				t.Errorf("%d records lost", lost)
			}
			if v, ok, err := r.State(context.Background(), "rules"); err != nil || !ok || string(v) != "kept" {
				t.Errorf("state %q %v %v", v, ok, err)
			}
		})
	}
}

// TestSalvageGoesOnAfterRestarts ends the agent again and again while it salvages.
func TestSalvageGoesOnAfterRestarts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		at   int64 // where eight pages are overwritten, in pages; -1 is the middle
	}{{"by the b-tree", -1}, {"by the pages", 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, r := damaged(t, true, func(p string) {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				at := tc.at * pageSize
				if at < 0 {
					at = int64(len(b)) / 2 / pageSize * pageSize
				}
				for i := range int64(8 * pageSize) {
					b[at+i] ^= 0x5a
				}
				if err := os.WriteFile(p, b, 0o640); err != nil {
					t.Fatal(err)
				}
			})
			for i := range 4 {
				r.put(readings(r.clock.Now(), i+1, 2)...)
				r = r.again()
			}
			r.put(readings(r.clock.Now(), 1, 2)...)
			eventually(t, "salvaged", func() bool {
				left := true
				err := r.do(context.Background(), func(w *writer) error { left = w.s.aside != nil; return nil })
				return err == nil && !left
			})
			lost := accounted(t, before, r.all())
			t.Logf("%d of %d records lost", lost, len(before))
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			if rep, err := Check(context.Background(), r.opt.Dir); err != nil || !rep.OK {
				t.Errorf("check: %+v %v", rep, err)
			}
		})
	}
}
