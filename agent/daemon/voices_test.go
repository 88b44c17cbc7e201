package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

// What people are told in their language and unit is on record with the alarm, and it is what the
// outputs say.
func TestAlarmsInEveryVoice(t *testing.T) {
	r := newRig(t)
	r.start(`zones:
  - {id: cold, name: "2号冷库"}
sensors:
  - {id: a, driver: dial, name: a, every: 1m, zone: cold}
alarms:
  - {id: warm, point: a/temperature, above: 8, severity: warning}
outputs:
  - {id: journal, driver: log}
  - {id: desk, driver: log, unit: fahrenheit}
  - {id: group, driver: log, language: zh}
  - {id: mail, driver: email, host: 127.0.0.1, port: 1, tls: none, from: gw@cold.example, to: [a@cold.example], severity: critical}
people:
  - {id: li-wei, name: 李伟, language: zh, unit: fahrenheit, email: li.wei@cold.example}
  - {id: ana, name: Ana, email: ana@cold.example}
`)
	r.measured(1)
	r.dial("a").set(9)
	r.tick(time.Minute, 1)
	eventually(t, "all outputs say so", func() bool {
		said := r.log.String()
		return strings.Contains(said, `message="2号冷库 temperature 9 °C, above 8 °C"`) &&
			strings.Contains(said, `message="2号冷库 temperature 48.2 °F, above 46.4 °F"`) &&
			strings.Contains(said, `message="2号冷库温度 9 °C，高于 8 °C"`)
	})
	r.durable()
	events := transitions(r.records(agent.KindAlarms), "warm")
	if len(events) != 1 || len(events[0].Texts) != 3 || events[0].Texts["zh-f"] != "2号冷库温度 48.2 °F，高于 46.4 °F" {
		t.Fatalf("on record: %+v", events)
	}
	r.stop()
}
