package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/rehearse"
	"github.com/frostline/frostline/agent/store"
)

// The past under the config that it was recorded with ends as it did: what the rehearsal
// says is what stands in the record, reading, scan and person's act by another.
func TestRehearsalOfTheRecordSaysWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(store1)
	r.measured(1)
	r.scan("in", "V1", "V1", "V1")
	for _, value := range []float64{9, 4, 9, 4} {
		r.dial("a").set(value)
		r.tick(10*time.Second, 1)
		if value == 9 {
			eventually(t, "the alarm", func() bool { return len(r.agent.recorder.unacknowledged()) > 0 })
			seen := control.AckRequest{ID: "all", By: "Li Wei", Comment: "seen"}
			if err := r.client().Post(t.Context(), "ack", seen, &control.AckReply{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.stop()
	r.fake.Advance(time.Hour) // nobody measures, and nobody misses anything
	r.start(store1)
	r.measured(1)
	r.scan("out", "V1", "V1")
	r.scan("in", "stranger")
	var want []string
	for _, rec := range r.records(agent.KindAlarms) {
		if a := rec.Event.Alarm; a != nil {
			want = append(want, transitionText(rec.Event.At.Wall, a.Alarm, a.Point, a.Transition, a.State))
		}
	}
	r.stop()

	reader, err := store.OpenReadOnly(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	whole := &History{Store: reader}
	got, sum := rehearsed(t, r, whole)
	if got != strings.Join(want, "\n") || len(want) < 8 {
		t.Errorf("rehearsed\n%s\nrecorded\n%s", got, strings.Join(want, "\n"))
	}
	if sum.Readings < 5 || sum.Scans != 6 || sum.Acts < 2 || sum.ActsLeftOut != 0 || whole.SetAside != 0 {
		t.Errorf("%+v, %d set aside", sum, whole.SetAside)
	}
	got, sum = rehearsed(t, r, &History{Store: reader, From: sum.From, To: sum.From.Add(time.Second)})
	if got != "" || sum.Readings != 1 || sum.Scans != 0 {
		t.Errorf("of the first second: %q, %+v", got, sum)
	}
}

func transitionText(at time.Time, id agent.AlarmID, p agent.PointID, what agent.Transition, state agent.AlarmState) string {
	return fmt.Sprintf("%s %s %s %s %s", at.Format("15:04:05.000"), id, p, what, state)
}

func rehearsed(t *testing.T, r *rig, h *History) (string, rehearse.Summary) {
	t.Helper()
	rules, err := Rehearsal(r.config(store1))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	sum, err := rules.Run(h.Rows(t.Context()), func(tr *rehearse.Transition) error {
		lines = append(lines, transitionText(tr.Time, tr.Alarm, tr.Point, tr.Transition, tr.State))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n"), sum
}
