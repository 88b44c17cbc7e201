package logline_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/logline"
)

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
