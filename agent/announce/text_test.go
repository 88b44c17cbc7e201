package announce

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase/phrasetest"
)

func TestPhrases(t *testing.T) {
	want := map[string]string{
		"title": "severity transition place", "title.flood": "count", "title.drill": "severity transition place",
		"level": "level waited text", "level.advice": "text advice", "level.late": "text", "drill": "text",
		"flood.one": "since severities places changes", "flood.several": "raised since severities places changes", "flood.none": "other since",
		"flood.since": "time", "flood.severity": "count severity", "flood.places": "zones", "flood.zone": "zone count",
		"flood.zones-more": "count", "flood.changes": "other",
	}
	for _, tr := range transitions {
		want["transition."+string(tr)] = ""
	}
	phrasetest.Check(t, book, want)
}

func TestLettersInEveryVoice(t *testing.T) {
	shanghai := time.FixedZone("", 8*3600)
	at := agent.Instant{Wall: time.Date(2026, 3, 2, 2, 4, 0, 0, time.UTC)}
	alarm := Notice{Site: "s1", Gateway: "gw-01", At: at, ZoneName: "2号冷库", Event: &agent.AlarmEvent{
		Alarm: "cr2-high", Severity: agent.SeverityCritical, Transition: agent.Raised, Message: "2号冷库 temperature 9 °C, above 8 °C",
		Texts: map[string]string{"zh": "2号冷库温度 9 °C，高于 8 °C", "zh-f": "2号冷库温度 48.2 °F，高于 46.4 °F"},
	}}
	many := &Summary{
		Since: at.Wall.In(shanghai), Raised: map[agent.Severity]int{agent.SeverityWarning: 20, agent.SeverityCritical: 3}, Other: 4,
		Zones: map[string]int{"Dock": 11, "2号冷库": 9, "a": 2, "b": 1, "c": 1},
	}
	one := &Summary{Raised: map[agent.Severity]int{agent.SeverityInfo: 1}}
	none := &Summary{Other: 7, Since: at.Wall.In(shanghai)}
	zh := agent.Voice{Language: agent.Chinese}
	for _, c := range []struct {
		n    Notice
		v    agent.Voice
		want string
	}{
		{alarm, agent.Voice{}, "critical alarm raised: 2号冷库\n2号冷库 temperature 9 °C, above 8 °C\ns1 / gw-01, 2026-03-02 10:04:00 +08:00"},
		{alarm, zh, "严重报警触发：2号冷库\n2号冷库温度 9 °C，高于 8 °C\ns1 / gw-01, 2026-03-02 10:04:00 +08:00"},
		{alarm, agent.Voice{Language: agent.Chinese, Unit: agent.Fahrenheit}, "严重报警触发：2号冷库\n2号冷库温度 48.2 °F，高于 46.4 °F\ns1 / gw-01, 2026-03-02 10:04:00 +08:00"},
		{Notice{Site: "s1", Gateway: "gw-01", Summary: many}, agent.Voice{}, "alarm flood: 27 more\n23 more alarms since 10:04: 3 critical, 20 warning (Dock 11, 2号冷库 9, a 2, 2 more zones); 4 other changes\ns1 / gw-01"},
		{Notice{Site: "s1", Gateway: "gw-01", Summary: many}, zh, "报警泛滥：另有 27 条\n自 10:04 起另有 23 条报警：严重 3 条、警告 20 条（Dock 11 条、2号冷库 9 条、a 2 条、另外 2 个区域）；其他状态变化 4 条\ns1 / gw-01"},
		{Notice{Summary: one}, agent.Voice{}, "alarm flood: 1 more\n1 more alarm: 1 info\n / "},
		{Notice{Summary: one}, zh, "报警泛滥：另有 1 条\n另有 1 条报警：提示 1 条\n / "},
		{Notice{Summary: none}, agent.Voice{}, "alarm flood: 7 more\n7 more alarm changes since 10:04, none of them a new alarm\n / "},
		{Notice{Summary: none}, zh, "报警泛滥：另有 7 条\n自 10:04 起另有 7 条报警状态变化，没有新报警\n / "},
	} {
		if got := c.n.Letter(c.v, shanghai); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.v.Key(), got, c.want)
		}
	}
	if got := (Notice{}).Title(zh) + (Notice{}).Text(zh); got != "" {
		t.Errorf("a notice of nothing says %q", got)
	}
	for _, tr := range transitions {
		ev := *alarm.Event
		ev.Transition = tr
		if got := (Notice{Event: &ev}).Title(zh); !strings.HasPrefix(got, "严重报警") || strings.HasPrefix(got, "严重报警：") {
			t.Errorf("%s is titled %q", tr, got)
		}
	}
}

// A machine gets the message as it is on record, and beside it the text as the output speaks.
func TestPayloadsInEveryVoice(t *testing.T) {
	alarm := Notice{Event: &agent.AlarmEvent{Message: "cold", Texts: map[string]string{"zh": "冷"}}}
	flood := Notice{Summary: &Summary{Other: 1}}
	for _, c := range []struct {
		n             Notice
		v             agent.Voice
		message, text string
	}{
		{alarm, agent.Voice{}, "cold", ""},
		{alarm, agent.Voice{Language: agent.Chinese}, "cold", "冷"},
		{flood, agent.Voice{Language: agent.English, Unit: agent.Celsius}, "1 more alarm changes, none of them a new alarm", ""},
		{flood, agent.Voice{Language: agent.Chinese}, "1 more alarm changes, none of them a new alarm", "另有 1 条报警状态变化，没有新报警"},
	} {
		body, err := c.n.JSON(c.v)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Message, Text string }
		if err := json.Unmarshal(body, &got); err != nil || got.Message != c.message || got.Text != c.text {
			t.Errorf("%s: %v %s", c.v.Key(), err, body)
		}
	}
}
