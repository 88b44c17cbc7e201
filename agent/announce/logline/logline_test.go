package logline_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/logline"
)

func TestInChinese(t *testing.T) {
	var b bytes.Buffer
	host := announce.Host{Log: slog.New(slog.NewTextHandler(&b, nil)), Voice: agent.Voice{Language: agent.Chinese}}
	o, err := logline.Driver.Open(t.Context(), host, logline.Driver.Config())
	if err != nil {
		t.Fatal(err)
	}
	ev := &agent.AlarmEvent{Severity: agent.SeverityInfo, Transition: agent.Raised, Message: "cold", Texts: map[string]string{"zh": "冷"}}
	if err := o.Announce(t.Context(), announce.Notice{Event: ev}); err != nil || !strings.Contains(b.String(), "message=冷") {
		t.Errorf("%v, %s", err, &b)
	}
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	s := logline.Driver.Config().(*logline.Settings)
	s.Severity = agent.SeverityWarning
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := logline.Driver.Open(t.Context(), announce.Host{Log: log}, s)
	if err != nil {
		t.Fatal(err)
	}
	ev := agent.AlarmEvent{
		ID: "a:p/t:12345678:1", Alarm: "a", Severity: agent.SeverityCritical, Zone: "z", Point: "p/t",
		Transition: agent.Raised, State: agent.StateUnack, Message: "z temperature 9 °C, above 8 °C",
	}
	acked := ev
	acked.Transition, acked.State, acked.By, acked.Comment, acked.Message = agent.Acknowledged, agent.StateAck, "Li Wei", "seen", "m"
	minor := ev
	minor.Severity = agent.SeverityInfo
	for _, n := range []announce.Notice{{}, {Event: &ev}, {Event: &acked}, {Event: &minor}} {
		if err := o.Announce(t.Context(), n); err != nil {
			t.Error(err)
		}
	}
	want := `level=ERROR msg=alarm id=a:p/t:12345678:1 alarm=a transition=raised state=unack severity=critical message="z temperature 9 °C, above 8 °C" zone=z point=p/t
level=INFO msg=alarm id=a:p/t:12345678:1 alarm=a transition=acknowledged state=ack severity=critical message=m zone=z point=p/t by="Li Wei" comment=seen
`
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
