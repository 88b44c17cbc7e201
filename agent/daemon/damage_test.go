package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// What a start finds in place of its store, and what comes of it: measuring and alarms from
// the first moment, the condition, the old file kept, and its records carried over where
// they can be read.
func TestStartWithAStoreThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		accounted  bool // what was there before can be known, so each record must be salvaged or in a gap record
		spoil      func(t *testing.T, dir string)
	}{
		{"a file of something else", "store-damaged", false, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, "frostline.db"), []byte("this is no database, and it is long enough to be read as a header of one. "))
		}},
		{"an empty file with a WAL of garbage", "", false, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, "frostline.db"), nil)
			overwrite(t, filepath.Join(dir, "frostline.db-wal"), make([]byte, 5000))
		}},
		{"cut in the middle", "store-damaged", true, func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, "frostline.db"), func(n int64) int64 { return n / 2 })
		}},
		{"a page of noise in the middle", "", true, func(t *testing.T, dir string) {
			noise(t, filepath.Join(dir, "frostline.db"), 2)
		}},
		{"noise on every second page", "store-damaged", true, func(t *testing.T, dir string) {
			noise(t, filepath.Join(dir, "frostline.db"), 1, 3, 5, 7, 9, 11)
		}},
		{"written by a newer version", "store-newer", false, func(t *testing.T, dir string) {
			userVersion(t, filepath.Join(dir, "frostline.db"), 9999)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start(twoRooms)
			r.measured(2)
			for range 50 {
				r.tick(10*time.Second, 2)
			}
			r.durable()
			r.stop()
			before := r.kept()
			tc.spoil(t, r.dir)

			r.fake.Advance(10 * time.Second)
			r.start(twoRooms)
			r.measured(2)
			if tc.code != "" {
				r.shown(tc.code, "store")
				if !strayFile(t, r.dir) {
					t.Error("the old file is gone")
				}
			}
			r.dial("a").set(9)
			r.tick(10*time.Second, 2)
			eventually(t, "announced", func() bool { return len(r.bell.of("warm")) == 1 })
			if got := transitions(r.records(), "warm"); words(got) != "raised" {
				t.Errorf("committed: %s", words(got))
			}
			if tc.accounted {
				lost := len(before)
				eventually(t, "every record of before is salvaged or in a gap record", func() bool {
					if n := unaccounted(before, r.records()); n != lost {
						lost = n
						t.Logf("%d of %d records are not accounted for yet", n, len(before))
					}
					return lost == 0
				})
			}
			r.stop()
			r.start(twoRooms) // and it goes on from the new one
			r.measured(2)
			if alarms := r.status().Alarms; len(alarms) != 1 || alarms[0].Alarm != "warm" {
				t.Errorf("after the next start: %+v", alarms)
			}
		})
	}
}

// A WAL that a power cut tore: everything up to the last whole transaction is there, and a new epoch
// begins.
func TestATornWALLosesOnlyWhatWasNotCommitted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(twoRooms)
	r.measured(2)
	for range 20 {
		r.tick(10*time.Second, 2)
		r.durable() // a transaction each
	}
	// The files of this moment, as a power cut leaves them: the process has not closed them.
	torn := t.TempDir()
	wal, err := os.ReadFile(filepath.Join(r.dir, "frostline.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile(filepath.Join(r.dir, "frostline.db"))
	if err != nil {
		t.Fatal(err)
	}
	before := r.records(agent.KindReadings)
	r.stop()
	overwrite(t, filepath.Join(torn, "frostline.db"), db)
	overwrite(t, filepath.Join(torn, "frostline.db-wal"), wal[:len(wal)-1500])
	r.dir = torn
	r.start(twoRooms)
	r.measured(2)
	after := r.records(agent.KindReadings)
	if len(after) < len(before)-2 {
		t.Errorf("%d readings before the cut, %d after it", len(before), len(after))
	}
	for i := range min(len(before), len(after)-2) {
		if before[i].Position != after[i].Position || before[i].Reading.Value != after[i].Reading.Value {
			t.Fatalf("record %d: %v before, %v after", i, before[i].Position, after[i].Position)
		}
	}
	epochs := 0
	for _, rec := range r.records(agent.KindEvents) {
		if rec.Event.Epoch != nil && rec.Event.Epoch.Reason == "unclean" {
			epochs++
		}
	}
	if epochs != 1 {
		t.Errorf("%d epochs began after the cut, want one: a position must not come twice", epochs)
	}
}

func unaccounted(before, now []agent.Record) int {
	there := map[agent.Position]bool{}
	for i := range now {
		there[now[i].Position] = true
		if e := now[i].Event; now[i].Type == agent.TypeEvent && e.Gap != nil {
			if e.Gap.Reason == agent.GapDamage && e.Gap.Source != "" && strings.Contains(e.Gap.Detail, "where it ended is not known") {
				return 0 // the file cannot even tell how much it held, and the record says so
			}
			for _, g := range e.Gap.Ranges {
				for seq := g.First; seq <= g.Last; seq++ {
					there[agent.Position{Epoch: g.Epoch, Seq: seq}] = true
				}
			}
		}
	}
	n := 0
	for i := range before {
		if !there[before[i].Position] {
			n++
		}
	}
	return n
}

func TestABitThatFlippedInTheRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := "sensors: [{id: many, driver: synthetic, points: 1000, every: 10s}, {id: a, driver: dial, name: a, every: 10s}]\n" +
		"alarms: [{id: warm, point: a/temperature, above: 8}]\noutputs: [{id: bell, driver: bell}]\n"
	r.start(text)
	r.measured(1001)
	for range 30 { // less than the checkpoint interval of the rules' state
		r.tick(10*time.Second, 1001)
		r.durable()
	}
	cutOff := t.TempDir() // the files of this moment, as a power cut leaves them
	for _, name := range []string{"frostline.db", "frostline.db-wal"} {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(cutOff, name), text)
	}
	r.stop()
	r.dir = cutOff
	path := filepath.Join(cutOff, "frostline.db")
	flipBitOfRecords(t, path)
	r.start(text)
	r.measured(1001)
	r.dial("a").set(9)
	r.tick(10*time.Second, 1001)
	eventually(t, "announced", func() bool { return len(r.bell.of("warm")) == 1 })
	eventually(t, "the store is replaced", func() bool { return strayFile(t, r.dir) })
	if got := words(transitions(r.records(), "warm")); got != "raised" {
		t.Errorf("committed: %s", got)
	}
}

func TestDamageIsShownLongEnoughToBeSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	overwrite(t, filepath.Join(r.dir, "frostline.db"), bytes.Repeat([]byte("no database "), 100))
	r.start(twoRooms)
	r.measured(2)
	r.shown("store-damaged", "store")
	for range 5 {
		r.tick(10*time.Second, 2)
		r.durable()
	}
	began := clock.Elapsed()
	r.gone("store-damaged", "store")
	if shown := clock.Elapsed() - began; shown < 10*time.Second {
		t.Errorf("shown for %v only", shown)
	}
}

// The store is damaged under the running agent: it is replaced, and the alarm that stands goes on as
// the one that it is.
func TestDamageUnderARunningAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(twoRooms)
	r.measured(2)
	r.dial("a").set(9)
	for range 30 {
		r.tick(10*time.Second, 2)
		r.durable()
	}
	raised := r.bell.of("warm")[0].Event.ID
	f, err := os.OpenFile(filepath.Join(r.dir, "frostline.db-wal"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, int(info.Size()/2)), info.Size()/4); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the store is replaced", func() bool {
		_, _ = r.agent.store.After(t.Context(), agent.Position{}, 4096) // somebody reads
		r.tick(10*time.Second, 2)
		return strayFile(t, r.dir)
	})
	r.shown("store-damaged", "store")
	if a := r.status().Alarms; len(a) != 1 || a[0].ID != raised {
		t.Errorf("alarms: %+v", a)
	}
	r.dial("a").set(4)
	r.tick(10*time.Second, 2)
	eventually(t, "cleared", func() bool { return len(r.bell.of("warm")) == 2 })
	r.durable()
	r.stop()
	r.start(twoRooms)
	r.measured(2)
	for _, e := range transitions(r.records(), "warm") {
		if e.ID != raised {
			t.Errorf("%s has the id %s, want %s", e.Transition, e.ID, raised)
		}
	}
	if a := r.status().Alarms; len(a) != 1 || a[0].ID != raised || a[0].State != agent.StateRtnUnack {
		t.Errorf("alarms after a restart: %+v", a)
	}
}
