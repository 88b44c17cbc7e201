package announce_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// post is an output that reaches persons, but not those who are away.
type post struct {
	mu   sync.Mutex
	away map[string]bool
	got  []string
}

func (p *post) Announce(_ context.Context, n announce.Notice) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []announce.Recipient
	for _, r := range n.Recipients([]string{"own"}, agent.Voice{}) {
		if p.away[r.Name] {
			left = append(left, r)
			continue
		}
		p.got = append(p.got, fmt.Sprintf("%s%s %s", r.Name, r.Address, n.Text(r.Voice)))
	}
	if len(left) > 0 {
		return &announce.Remaining{To: left, Err: errors.Join(errors.New("no answer"), announce.ErrPermanent)} // of somebody else's address
	}
	return nil
}

func (p *post) Close() error { return nil }

func (p *post) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func level(id, message string, to ...string) announce.Notice {
	n := notice(id, agent.Raised, 1)
	n.Event.Severity, n.Event.Message = agent.SeverityCritical, message
	n.Only, n.Level = []string{"post"}, 2
	for _, name := range to {
		n.To = append(n.To, announce.Recipient{ID: name, Name: name})
	}
	return n
}

// A person who cannot be reached keeps nobody from hearing of an alarm, and hears of it later.
func TestOnePersonAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other := &post{away: map[string]bool{"li": true}}, &fake{}
		d := announce.New([]announce.Named{{ID: "post", Output: p}, {ID: "other", Output: other}}, &board{on: map[string]string{}}, quiet)
		stop := running(t, d)
		var done atomic.Int64
		first := level("x", "warm", "li", "ann")
		first.Done = func() { done.Add(1) }
		d.Announce(first)
		d.Announce(level("y", "hot", "ann"))
		d.Announce(level("z", "low", "ben"))
		time.Sleep(5 * time.Second)
		if got := strings.Join(p.told(), "; "); got != "ann warm; ann hot; ben low" || done.Load() != 0 {
			t.Errorf("told %s, done %d", got, done.Load())
		}
		p.mu.Lock()
		p.away = nil
		p.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if got := strings.Join(p.told(), "; "); got != "ann warm; ann hot; ben low; li warm" || done.Load() != 1 {
			t.Errorf("told %s, done %d", got, done.Load())
		}
		if len(other.told()) != 0 {
			t.Errorf("another output was told %q", other.told())
		}
		stop()
	})
}

// What goes out at a level is not what was told before, and the same at one level goes out once.
func TestLevelsAreToldOnce(t *testing.T) {
	d := announce.New(nil, &board{on: map[string]string{}}, quiet)
	n := level("x", "warm", "li")
	for i, c := range []struct {
		change func()
		want   bool
	}{
		{func() {}, true}, {func() {}, false}, {func() { n.Level = 3 }, true}, {func() { n.To = nil }, true}, {func() { n.Only = []string{"mail"} }, true}, {func() {}, false},
	} {
		c.change()
		if got := d.Announce(n); got != c.want {
			t.Errorf("%d: announced %v, want %v", i, got, c.want)
		}
	}
	if a, b := level("x", "", "li").Key(), notice("x", agent.Raised, 1).Key(); a == b {
		t.Errorf("both are %s", a)
	}
}

func TestWhatALevelSays(t *testing.T) {
	n := level("x", "Cold room 9 °C", "li")
	n.Event.Texts = map[string]string{"zh": "冷库 9 °C"}
	n.Waited, n.Advice, n.Late = 20*time.Minute, "Call the keeper", true
	for v, want := range map[agent.Voice]string{
		{}:                        "Late, the gateway was off: Level 2, nobody has acknowledged for 20 min: Cold room 9 °C. Call the keeper",
		{Language: agent.Chinese}: "迟报（网关曾停机）：第 2 级，20 分钟无人确认：冷库 9 °C。Call the keeper",
	} {
		if got := n.Text(v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	n.Event.Transition, n.Late, n.Advice = agent.Acknowledged, false, ""
	if got := n.Text(agent.Voice{}); got != "Cold room 9 °C" {
		t.Errorf("of the end: %q", got)
	}
	n.Drill = true
	if got := n.Text(agent.Voice{}); got != "DRILL, no alarm: Cold room 9 °C" || !strings.HasPrefix(n.Title(agent.Voice{}), "DRILL: ") {
		t.Errorf("of a drill: %q, %q", got, n.Title(agent.Voice{}))
	}
	text, err := n.JSON(agent.Voice{})
	if err != nil || !strings.Contains(string(text), `"level":2,"waited_s":1200,"drill":true,"to":[{"id":"li","name":"li"}]`) {
		t.Errorf("%s, %v", text, err)
	}
}

// The summary of a flood is for those whom its messages were for.
func TestFloodOfLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		a := &announce.Audience{Severity: agent.SeverityCritical, Flood: announce.Flood{Most: 2, Per: time.Minute}}
		began := time.Now()
		elapsed := announce.Timed(func() time.Duration { return time.Since(began) })
		d := announce.New([]announce.Named{{ID: "post", Output: p, Settings: a}}, &board{on: map[string]string{}}, quiet, elapsed)
		stop := running(t, d)
		for i, who := range []string{"li", "li", "ann", "ben", "ann"} {
			n := level(fmt.Sprint(i), "warm", who)
			n.Event.Severity = agent.SeverityWarning // which a level tells all the same
			d.Announce(n)
		}
		time.Sleep(10 * time.Minute)
		want := []string{"li warm", "li warm", "ann 3 more alarms: 3 warning", "ben 3 more alarms: 3 warning"}
		if got := p.told(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		stop()
	})
}
