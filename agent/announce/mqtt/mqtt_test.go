package mqtt_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/mqtt"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func notice() announce.Notice {
	v := 8400 * agent.Unit / 1000
	return announce.Notice{
		Site: "s1", Gateway: "gw-01", ZoneName: "Cold room", At: agent.Instant{Wall: time.UnixMilli(1763751600000).UTC()},
		Event: &agent.AlarmEvent{
			ID: "a:p/t:12345678:1", Alarm: "a", Kind: "limit", Severity: agent.SeverityCritical, Zone: "z", Point: "p/t",
			Transition: agent.Raised, State: agent.StateUnack, Value: &v, Message: "Cold room temperature 8.4 °C",
		},
	}
}

const golden = `{"site":"s1","gateway":"gw-01","t":1763751600000,"event":"alarm","zone_name":"Cold room",` +
	`"id":"a:p/t:12345678:1","alarm":"a","kind":"limit","severity":"critical","zone":"z","point":"p/t",` +
	`"transition":"raised","state":"unack","v":8.4,"message":"Cold room temperature 8.4 °C"}`

func open(t *testing.T, url string, change func(*mqtt.Settings)) announce.Output {
	t.Helper()
	s := mqtt.Driver.Config().(*mqtt.Settings)
	s.URL, s.Topic = url, "building/alarms"
	if change != nil {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := mqtt.Driver.Open(t.Context(), announce.Host{
		ID: "local", Site: "s1", Gateway: "gw-01", Log: slog.New(slog.DiscardHandler),
		Secret: func(ref string) (string, error) {
			if ref == "${credential:mqtt}" {
				return "s3cret", nil
			}
			return ref, nil
		},
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.Close(), o.Close()); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestPublishes(t *testing.T) {
	for _, retain := range []mqtt.Retain{mqtt.RetainOn, mqtt.RetainOff} {
		broker := peers.StartEmbedded(t, peers.EmbeddedOptions{
			Login: func(user, password string) bool { return user == "keeper" && password == "s3cret" },
		})
		o := open(t, broker.URL(), func(s *mqtt.Settings) {
			s.User, s.Password, s.Retain = "keeper", "${credential:mqtt}", retain
		})
		info := notice()
		info.Event = nil
		for _, n := range []announce.Notice{notice(), info} {
			if err := o.Announce(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		got := broker.Messages()
		if len(got) != 1 || got[0].Topic != "building/alarms" || string(got[0].Payload) != golden {
			t.Errorf("%+v", got)
		}
		if _, kept := broker.Retained("building/alarms"); kept != (retain == mqtt.RetainOn) {
			t.Errorf("retain %s: %v", retain, kept)
		}
	}
}

// TestTroubles: a broker that is away, refuses the login or hangs up gets the notice again.
func TestTroubles(t *testing.T) {
	refusing := peers.StartEmbedded(t, peers.EmbeddedOptions{Login: func(string, string) bool { return false }})
	hanging := peers.StartEmbedded(t, peers.EmbeddedOptions{
		Publish: func(string, string, []byte, bool) peers.Verdict { return peers.HangUp },
	})
	for url, want := range map[string]error{
		refusing.URL():       mqttconn.ErrLogin,
		hanging.URL():        mqttconn.ErrLost,
		"mqtt://127.0.0.1:1": mqttconn.ErrUnreachable,
	} {
		err := open(t, url, nil).Announce(t.Context(), notice())
		if !errors.Is(err, want) || errors.Is(err, announce.ErrPermanent) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
}

func TestBadSettings(t *testing.T) {
	err := (&mqtt.Settings{URL: "http://x", Topic: "a/#"}).Validate()
	for _, want := range []error{mqtt.ErrTopic, mqtt.ErrRetain, mqtt.ErrTimeout, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
	for _, topic := range []string{"", "$SYS/x", "frostline/v1/s/g/alarms", "a\x00"} {
		if err := (&mqtt.Settings{Topic: topic}).Validate(); !errors.Is(err, mqtt.ErrTopic) {
			t.Errorf("%q was accepted", topic)
		}
	}
}
