package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

// A disk that does not let the store be read at the start must not cost what the rules knew:
// balances, open alarms, who acknowledged them. They step without it, and catch up.
func TestRulesThatStartWithoutTheirStateCatchUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(store1)
	r.measured(1)
	r.scan("in", "V1", "V1", "V1")
	r.dial("a").set(9)
	r.tick(10*time.Second, 1)
	eventually(t, "the alarm", func() bool { return len(r.status().Alarms) > 0 })
	raised := r.status().Alarms[0].ID
	r.durable()
	r.stop()

	disk := &sickDisk{}
	disk.refuse("attach", syscall.EIO)
	r.fault = disk.fault
	r.start(store1)
	if got := r.balance("vaccine"); got > 0 {
		t.Fatalf("the store is not readable, and the balance is %d", got)
	}
	r.measured(1)
	r.scan("in", "V1")
	disk.heal()
	eventually(t, "what was known, and what came meanwhile", func() bool {
		r.fake.Advance(time.Second)
		return r.balance("vaccine") == 4
	})
	var open []agent.AlarmEventID
	for _, a := range r.status().Alarms {
		if a.Alarm == "warm" {
			open = append(open, a.ID)
		}
	}
	if len(open) != 1 || open[0] != raised {
		t.Fatalf("open are %v, want %s", open, raised)
	}
	r.durable()
	r.stop()
	r.fault = nil
	r.start(store1)
	if got := r.balance("vaccine"); got != 4 {
		t.Fatalf("after a restart the balance is %d", got)
	}
	contiguous(t, r.records())
}

// A buzzer that was on before a power cut is on after it, whatever is still to be announced late.
func TestLateAnnouncementsLeaveTheBuzzerOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bell.muffle(true)
	r.start(store1)
	r.measured(1)
	r.dial("a").set(9)
	r.tick(10*time.Second, 1)
	eventually(t, "the alarm", func() bool { return len(r.status().Alarms) > 0 })
	r.durable()
	r.stop()
	r.bell.muffle(false)
	r.start(store1)
	eventually(t, "the late announcement", func() bool { return len(r.bell.of("warm")) > 0 })
	for _, n := range r.bell.of("warm") {
		if !n.Event.Late || n.Sounding != agent.SeverityCritical {
			t.Fatalf("late is %v, and %q sounds", n.Event.Late, n.Sounding)
		}
	}
}

func (b *bell) muffle(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = on
}

// A state that a version does not understand is kept beside, not overwritten.
func TestAStateThatCannotBeUnderstoodIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(store1)
	r.measured(1)
	r.durable()
	r.agent.store.SaveState(rulesState, []byte("from another version"))
	r.agent.recorder.mu.Lock()
	r.agent.recorder.behind = true // so that the stop does not write its own
	r.agent.recorder.mu.Unlock()
	r.stop()

	r.start(store1)
	r.measured(1)
	kept, ok, err := r.agent.store.State(t.Context(), rulesState+".unusable")
	if err != nil || !ok || string(kept) != "from another version" {
		t.Fatalf("kept %q, %v, %v", kept, ok, err)
	}
	r.scan("in", "V1")
	if got := r.balance("vaccine"); got != 1 {
		t.Fatalf("the rules that began anew count %d", got)
	}
}

// What is salvaged from a damaged store moved stock before its state was written: a kill soon
// after the salvage does not move it again.
func TestSalvagedScansMoveNothingAgain(t *testing.T) {
	t.Parallel()
	config := strings.Replace(store1, "sensors: [", "sensors: [{id: many, driver: synthetic, points: 200, every: 10s}, ", 1) +
		"upstreams: [{id: nobody, driver: mqtt, url: \"mqtt://127.0.0.1:1\"}]\n"
	r := newRig(t)
	r.start(config)
	r.measured(201)
	for range 20 {
		r.tick(10*time.Second, 201)
		r.durable() // a pack each
	}
	r.scan("in", "V1", "V1", "V1")
	r.durable()
	r.stop()
	flipBitOfRecords(t, filepath.Join(r.dir, "frostline.db"))

	r.fake.Advance(10 * time.Second)
	r.start(config)
	r.measured(201)
	eventually(t, "the damage is found", func() bool { return strayFile(t, r.dir) })
	eventually(t, "the scans are salvaged", func() bool { return len(r.records(agent.KindScans)) == 3 })
	if got := r.balance("vaccine"); got != 3 {
		t.Fatalf("the balance of before the damage is %d", got)
	}
	killed := t.TempDir() // the files of this moment are what a kill leaves
	for _, name := range []string{"frostline.db", "frostline.db-wal"} {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(killed, name), text)
	}
	r.stop()
	r.dir = killed
	r.start(config)
	if got := r.balance("vaccine"); got != 3 {
		t.Errorf("after a kill the balance is %d, want 3", got)
	}
}
