package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce/webhook"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
)

// hook is the far end of a webhook output.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	refuse bool
	got    []webhook.Payload
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var p webhook.Payload
		if err := json.NewDecoder(q.Body).Decode(&p); err != nil {
			t.Errorf("webhook: %v", err)
		}
		h.got = append(h.got, p)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) refuses(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = yes
}

func (h *hook) of(id agent.AlarmID) []webhook.Payload {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []webhook.Payload
	for _, p := range h.got {
		if p.Alarm == id {
			all = append(all, p)
		}
	}
	return all
}

// victim is an agent in a process of its own, which can be killed.
type victim struct {
	t     *testing.T
	dir   string
	file  string // of its config
	paper string
	cmd   *exec.Cmd
	log   bytes.Buffer
	done  chan struct{}
}

// newVictim prepares an agent with one thermometer, read ten times a second, and the alarms.
func newVictim(t *testing.T, hook *hook, alarms string) *victim {
	t.Helper()
	dir := t.TempDir()
	v := &victim{t: t, dir: filepath.Join(dir, "store"), file: filepath.Join(dir, "frostline.yaml"), paper: filepath.Join(dir, "paper")}
	v.shows(4)
	overwrite(t, v.file, []byte(fmt.Sprintf(`
site: s1
gateway: gw-01
store: {dir: %q, commit_within: 20ms}
web: {listen: "off"}
sensors: [{id: a, driver: paper, file: %q, every: 100ms}]
outputs: [{id: phone, driver: webhook, url: %q}]
alarms:
%s
`, v.dir, v.paper, hook.URL, alarms)))
	t.Cleanup(func() {
		v.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the journal of all lives:\n%s", v.log.String())
		}
	})
	return v
}

// shows sets the thermometer, at once for whoever reads it.
func (v *victim) shows(celsius int) {
	v.t.Helper()
	overwrite(v.t, v.paper+".new", []byte(fmt.Sprint(celsius)))
	if err := os.Rename(v.paper+".new", v.paper); err != nil {
		v.t.Fatal(err)
	}
}

// start begins a life and returns once the agent answers.
func (v *victim) start() {
	v.t.Helper()
	v.cmd = exec.Command(os.Args[0])
	v.cmd.Env = append(os.Environ(), childConfig+"="+v.file)
	v.cmd.Stderr = &v.log
	err := v.cmd.Start()
	if err != nil {
		v.cmd = nil // there is nothing to end
	}
	if errors.Is(err, syscall.ENOEXEC) {
		v.t.Skip("32-bit: this kernel cannot run the test's own binary again without the emulator")
	}
	if err != nil {
		v.t.Fatal(err)
	}
	v.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		_ = cmd.Wait() // it is killed
	}(v.cmd, v.done)
	eventually(v.t, "the agent answers", func() bool { _, err := v.status(); return err == nil })
}

// end ends the life by a signal.
func (v *victim) end(sig syscall.Signal) {
	v.t.Helper()
	if v.cmd == nil {
		return
	}
	_ = v.cmd.Process.Signal(sig)
	select {
	case <-v.done:
	case <-time.After(patience):
		v.t.Errorf("the agent survives %v", sig)
	}
	v.cmd = nil
}

func (v *victim) status() (control.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var s control.Status
	err := control.NewClient(v.dir).Get(ctx, "status", &s)
	return s, err
}

// alarm is the alarm as status shows it.
func (v *victim) alarm(id agent.AlarmID) (control.Alarm, bool) {
	s, err := v.status()
	if err != nil {
		return control.Alarm{}, false
	}
	for _, a := range s.Alarms {
		if a.Alarm == id {
			return a, true
		}
	}
	return control.Alarm{}, false
}

// transitions are the alarm's in the store of the agent, which must not run.
func (v *victim) transitions(id agent.AlarmID) []agent.AlarmEvent {
	v.t.Helper()
	db, err := store.OpenReadOnly(context.Background(), v.dir)
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	all := allOf(v.t, db)
	contiguous(v.t, all)
	return transitions(all, id)
}

// pending is how many announcements are not made, as the store knows it.
func (v *victim) pending() int {
	v.t.Helper()
	db, err := store.OpenReadOnly(context.Background(), v.dir)
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	blob, _, err := db.State(context.Background(), pendingState)
	if err != nil {
		v.t.Fatal(err)
	}
	var left []json.RawMessage
	if err := json.Unmarshal(blob, &left); err != nil {
		v.t.Fatalf("%s: %v", blob, err)
	}
	return len(left)
}

// ends are the ways in which a life ends.
var ends = []struct {
	name string
	sig  syscall.Signal
}{{"killed", syscall.SIGKILL}, {"stopped", syscall.SIGTERM}}

// An alarm that is raised stays that one alarm over the end of the agent, however it ends:
// it is not raised again, keeps its acknowledgement, and is cleared once.
func TestARaisedAlarmSurvives(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t)
			v := newVictim(t, hook, "  - {id: warm, point: a/temperature, above: 8, severity: critical}")
			v.start()
			v.shows(9)
			eventually(t, "raised and announced", func() bool { return len(hook.of("warm")) == 1 })
			raised, _ := v.alarm("warm")
			v.end(end.sig)
			v.start()
			eventually(t, "it still stands", func() bool { a, ok := v.alarm("warm"); return ok && a.ID == raised.ID && a.State == agent.StateUnack })
			var reply control.AckReply
			if err := control.NewClient(v.dir).Post(t.Context(), "ack", control.AckRequest{ID: string(raised.ID), By: "li", Comment: "on my way"}, &reply); err != nil || len(reply.Acknowledged) != 1 {
				t.Fatalf("acknowledge: %+v, %v", reply, err)
			}
			v.end(end.sig) // at once: a person's word is durable when it is answered
			v.start()
			a, ok := v.alarm("warm")
			if !ok || a.ID != raised.ID || a.State != agent.StateAck || a.By != "li" || a.Comment != "on my way" {
				t.Errorf("after the next start: %+v", a)
			}
			v.shows(4)
			eventually(t, "cleared and announced", func() bool {
				got := hook.of("warm")
				return len(got) > 0 && got[len(got)-1].Transition == agent.Cleared
			})
			v.end(end.sig)
			events := v.transitions("warm")
			if words(events) != "raised acknowledged cleared" {
				t.Errorf("committed: %s", words(events))
			}
			for _, e := range events {
				if e.ID != raised.ID {
					t.Errorf("%s has the id %s, want %s", e.Transition, e.ID, raised.ID)
				}
			}
		})
	}
}

// A `for` that runs goes on after the end of the agent: the excursion begins at its first value,
// which an earlier life measured.
func TestATimerOfAnAlarmSurvives(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t)
			v := newVictim(t, hook, "  - {id: warm, point: a/temperature, above: 8, for: 3s}")
			v.start()
			v.shows(9)
			outside := func() []agent.Record {
				db, err := store.OpenReadOnly(context.Background(), v.dir)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close() //nolint:errcheck // only read
				var all []agent.Record
				for _, rec := range allOf(t, db, agent.KindReadings) {
					if rec.Reading.OK() && rec.Reading.Value == 9*agent.Unit {
						all = append(all, rec)
					}
				}
				return all
			}
			eventually(t, "a second of it is on disk", func() bool { return len(outside()) >= 10 })
			v.end(end.sig)
			before := outside()
			if n := len(v.transitions("warm")); n != 0 {
				t.Fatalf("%d transitions before the end", n)
			}
			v.start()
			eventually(t, "raised", func() bool { return len(hook.of("warm")) == 1 })
			v.end(end.sig)
			events := v.transitions("warm")
			if words(events) != "raised" {
				t.Fatalf("committed: %s", words(events))
			}
			if !events[0].Began.Equal(before[0].Reading.At.Wall) {
				t.Errorf("began %v, the first value outside is of %v", events[0].Began, before[0].Reading.At.Wall)
			}
			// It took 3 s of values outside in both lives together, not 3 s of the second.
			after := 0
			for _, rec := range outside()[len(before):] {
				if rec.Reading.At.Wall.Before(hook.wall(t)) {
					after++
				}
			}
			if after > 25 {
				t.Errorf("%d values outside in the second life before it was raised: the timer began anew", after)
			}
		})
	}
}

// wall is when the first announced transition happened.
func (h *hook) wall(t *testing.T) time.Time {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.got) == 0 || h.got[0].T == nil {
		t.Fatal("announced without a time")
	}
	return time.UnixMilli(*h.got[0].T)
}

// An announcement that nobody took before the agent ended is made by the next life, marked late,
// once.
func TestAnAnnouncementThatWasNotMadeComesLate(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t)
			hook.refuses(true)
			v := newVictim(t, hook, "  - {id: warm, point: a/temperature, above: 8}")
			v.start()
			v.shows(9)
			eventually(t, "raised", func() bool { _, ok := v.alarm("warm"); return ok })
			eventually(t, "output-failing in status", func() bool {
				s, err := v.status()
				if err != nil {
					return false
				}
				for _, c := range s.Conditions {
					if c.Code == "output-failing" && c.Subject == "output/phone" {
						return true
					}
				}
				return false
			})
			v.end(end.sig)
			hook.refuses(false)
			v.start()
			eventually(t, "announced", func() bool { return len(hook.of("warm")) > 0 })
			v.shows(4)
			eventually(t, "cleared", func() bool { return len(hook.of("warm")) > 1 })
			got := hook.of("warm")
			if len(got) != 2 || !got[0].Late || got[0].Transition != agent.Raised || got[1].Late || got[1].Transition != agent.Cleared {
				t.Errorf("announced: %+v", got)
			}
			eventually(t, "it is on disk that both were announced", func() bool { return v.pending() == 0 })
			v.end(end.sig)
			v.start() // nothing is left to announce
			eventually(t, "the store has committed", func() bool { s, err := v.status(); return err == nil && s.Store.InMemory == 0 && *s.UptimeS > 0 })
			if n := len(hook.of("warm")); n != 2 {
				t.Errorf("announced %d times", n)
			}
			v.end(end.sig)
			if got := words(v.transitions("warm")); got != "raised cleared" {
				t.Errorf("committed: %s", got)
			}
		})
	}
}

// Killed at whatever moment, again and again while the value crosses the limit: raised and cleared
// take turns without a gap or a double.
func TestTransitionsTakeTurnsOverManyKills(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	v := newVictim(t, hook, "  - {id: warm, point: a/temperature, above: 8}")
	for life := range 8 {
		v.start()
		v.shows(9 - 5*(life%2))
		want := life%2 == 0
		eventually(t, "the alarm follows", func() bool {
			a, there := v.alarm("warm")
			active := there && (a.State == agent.StateUnack || a.State == agent.StateAck)
			return active == want
		})
		v.end(syscall.SIGKILL)
	}
	events := v.transitions("warm")
	var turns []string
	for _, e := range events {
		if e.Transition == agent.Raised || e.Transition == agent.ReAlarmed || e.Transition == agent.Cleared {
			turns = append(turns, strings.Replace(string(e.Transition), "re-alarmed", "raised", 1))
		}
	}
	for i, w := range turns {
		if want := []string{"raised", "cleared"}[i%2]; w != want {
			t.Fatalf("transition %d is %s: %s", i, w, words(events))
		}
	}
	if len(turns) < 4 { // some lives end before their transition is durable
		t.Errorf("only %s", words(events))
	}
}

// Two announcements left over that are the same to every output: one is made, and neither comes
// again at every later start.
func TestLeftOverAnnouncementsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(twoRooms)
	r.measured(2)
	old := pendingNotice{Wall: morning, Event: agent.AlarmEvent{ID: "warm:a/temperature:00000001:1", Alarm: "warm", Transition: agent.ReAlarmed, State: agent.StateUnack}}
	blob, err := json.Marshal([]pendingNotice{old, old})
	if err != nil {
		t.Fatal(err)
	}
	r.agent.store.SaveState(pendingState, blob)
	r.durable()
	r.stop()
	r.start(twoRooms)
	eventually(t, "nothing is left", func() bool {
		blob, _, err := r.agent.store.State(t.Context(), pendingState)
		return err == nil && (string(blob) == "[]" || string(blob) == "null")
	})
	if got := r.bell.of("warm"); len(got) != 1 || !got[0].Event.Late {
		t.Errorf("announced: %+v", got)
	}
}
