package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// What a person laid over an alarm holds over a kill and a clean stop, keeps the alarm from
// everybody, and is on record with name and reason.
func TestAShelvedAlarmReachesNobodyOverARestart(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t)
			v := newVictim(t, hook, "  - {id: warm, point: a/temperature, above: 8, severity: critical}")
			v.start()
			v.shows(4)
			do := func(what agent.Transition, seconds int64) {
				t.Helper()
				var reply control.AlarmReply
				req := control.AlarmRequest{Do: what, ID: "warm", By: "li", Comment: "evaporator is cleaned", ForS: seconds}
				if err := control.NewClient(v.dir).Post(t.Context(), "alarm", req, &reply); err != nil || len(reply.Alarms) != 1 {
					t.Fatalf("%s: %+v, %v", what, reply, err)
				}
			}
			stands := func(want agent.AlarmState) func() bool {
				return func() bool { a, ok := v.alarm("warm"); return ok && a.State == want }
			}
			eventually(t, "the socket", func() bool { return control.NewClient(v.dir).Get(t.Context(), "status", &control.Status{}) == nil })
			do(agent.Shelved, 3600)
			v.end(end.sig)
			v.start()
			eventually(t, "still shelved", stands(agent.StateShelved))
			a, _ := v.alarm("warm")
			if a.By != "li" || a.Comment != "evaporator is cleaned" || a.Until.IsZero() {
				t.Errorf("shown as %+v", a)
			}
			v.shows(9)
			eventually(t, "raised below the shelf", func() bool { return strings.Contains(words(v.transitions("warm")), "raised") })
			v.end(end.sig)
			v.start()
			eventually(t, "still shelved", stands(agent.StateShelved))
			do(agent.Unshelved, 0)
			eventually(t, "it sounds now", stands(agent.StateUnack))
			eventually(t, "and people hear of it", func() bool {
				got := hook.of("warm")
				return len(got) > 0 && got[len(got)-1].Transition == agent.Unshelved && got[len(got)-1].State == agent.StateUnack
			})
			for _, told := range hook.of("warm") {
				if told.Transition == agent.Raised {
					t.Error("people were told what happened below the shelf")
				}
			}
			v.end(end.sig)
			events := v.transitions("warm")
			if got := words(events); got != "shelved raised unshelved" {
				t.Errorf("on record: %s", got)
			}
			if s := events[0]; s.By != "li" || s.Comment == "" || s.ForS != 3600 || s.UID == nil || s.State != agent.StateShelved {
				t.Errorf("on record: %+v", s)
			}
			if events[1].State != agent.StateShelved {
				t.Errorf("raised below the shelf as %q", events[1].State)
			}
		})
	}
}

func TestACommandThatIsNoneIsRefused(t *testing.T) {
	r := newRig(t)
	r.start("sensors:\n  - {id: a, driver: dial, name: a, every: 1m}\nalarms:\n  - {id: warm, point: a/temperature, above: 8}\n")
	c := r.client()
	for name, req := range map[string]control.AlarmRequest{
		"nobody":          {Do: agent.Shelved, ID: "warm", Comment: "x", ForS: 60},
		"no reason":       {Do: agent.Shelved, ID: "warm", By: "li", ForS: 60},
		"no time":         {Do: agent.Shelved, ID: "warm", By: "li", Comment: "x"},
		"no such alarm":   {Do: agent.Shelved, ID: "cold", By: "li", Comment: "x", ForS: 60},
		"nothing latched": {Do: agent.Reset, ID: "warm", By: "li", Comment: "x"},
		"another verb":    {Do: agent.Acknowledged, ID: "warm", By: "li", Comment: "x"},
		"no verb":         {ID: "warm", By: "li", Comment: "x"},
	} {
		if err := c.Post(t.Context(), "alarm", req, &control.AlarmReply{}); err == nil {
			t.Errorf("%s: done", name)
		}
	}
}

// An upstream that nobody answers for is an alarm once it has lasted, and is told as any other.
func TestTroubleOfTheGatewayIsAnAlarm(t *testing.T) {
	r := newRig(t)
	r.start(`sensors:
  - {id: a, driver: dial, name: a, every: 1m}
alarms:
  - {id: link, kind: delivery-trouble, for: 30m}
upstreams:
  - {id: hq, driver: mqtt, url: "mqtt://127.0.0.1:1"}
outputs:
  - {id: bell, driver: bell}
`)
	r.measured(1)
	r.linger()
	r.shown("upstream-unreachable", "upstream/hq")
	for range 31 {
		r.tick(time.Minute, 1)
	}
	eventually(t, "the alarm", func() bool {
		s := r.status()
		return len(s.Alarms) == 1 && s.Alarms[0].Alarm == "link" && strings.Contains(s.Alarms[0].Message, "upstream/hq")
	})
}
