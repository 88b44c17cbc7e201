package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
)

// Bounds of how long a drill waits for answers.
const (
	shortestDrill = 10 * time.Second
	longestDrill  = time.Hour
)

// drills sound and send everything for an exercise, and note who answers. A drill is no alarm: it
// is in no rule's state and on no upstream's alarm lane, and a restart ends it.
type drills struct {
	a *Agent

	mu    sync.Mutex
	now   control.Drill // running, or the last one
	began agent.Instant
	limit *time.Timer   // until it ends by itself; never nil
	note  []agent.Event // to be recorded
	wake  chan struct{} // capacity 1: note has some
}

func newDrills(a *Agent) *drills {
	d := &drills{a: a, limit: time.NewTimer(longestDrill), wake: make(chan struct{}, 1)}
	d.limit.Stop()
	d.now.Outputs, d.now.Persons = []string{}, []control.DrillPerson{}
	return d
}

// Run records what happens in drills and ends those whose time is up. At its end it ends the one
// that runs.
func (d *drills) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			d.end()
			d.record()
			return nil
		case <-d.limit.C:
			d.end()
		case <-d.wake:
		}
		d.record()
	}
}

// record appends what is noted. Answers come from under the recorder's lock, so it cannot be done
// at once.
func (d *drills) record() {
	d.mu.Lock()
	events := d.note
	d.note = nil
	d.mu.Unlock()
	for _, ev := range events {
		d.a.recorder.Event(ev)
	}
}

// noted has an event recorded. The caller holds mu.
func (d *drills) noted(ev agent.Event) {
	d.note = append(d.note, ev)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// running reports whether everything sounds for a drill. It may be asked of nil drills.
func (d *drills) running() bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now.Running
}

func (d *drills) id() agent.AlarmEventID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now.ID
}

// answers takes an acknowledgement of the drill by its id or the word drill; false: it is for
// something else.
func (d *drills) answers(id string, who control.Person) bool {
	if who.Name == "" || id != "drill" && id != string(d.id()) || id == "" {
		return false
	}
	return d.answer(who, "command")
}

// answer notes that a person answered the drill that runs; false if none does.
func (d *drills) answer(who control.Person, how string) bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.now.Running {
		return false
	}
	now := d.a.clock.Now()
	after := 0.0
	if passed, ok := now.Sub(d.began); ok {
		after = passed.Round(100 * time.Millisecond).Seconds()
	}
	i := slices.IndexFunc(d.now.Persons, func(p control.DrillPerson) bool {
		return strings.EqualFold(p.Name, who.Name) || p.ID != "" && strings.EqualFold(p.ID, who.Name)
	})
	if i < 0 {
		i = len(d.now.Persons)
		d.now.Persons = append(d.now.Persons, control.DrillPerson{Name: who.Name, Through: []string{}})
	}
	if p := &d.now.Persons[i]; p.AfterS == nil {
		p.AfterS, p.How = &after, how
		d.noted(agent.Event{At: now, Kind: agent.EventAct, Act: &agent.Act{
			Verb: "drill-answer", Subject: string(d.now.ID), By: p.Name, UID: who.UID, Comment: how,
		}})
	}
	return true
}

// status is the drill that runs, or the last one.
func (d *drills) status() control.Drill {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.now
	s.Outputs, s.Persons = slices.Clone(s.Outputs), slices.Clone(s.Persons)
	return s
}

// start begins a drill; false if one runs.
func (d *drills) start(who control.Person, wait time.Duration) bool {
	d.mu.Lock()
	if d.now.Running {
		d.mu.Unlock()
		return false
	}
	cfg := d.a.cfg
	d.began = d.a.clock.Now()
	d.now = control.Drill{
		ID:      agent.AlarmEventID(fmt.Sprintf("drill:%s:%.8s:%d", cfg.Gateway, d.began.Boot, d.began.Mono.Milliseconds())),
		Running: true, By: who.Name, Outputs: []string{}, Persons: []control.DrillPerson{},
	}
	for i := range cfg.Outputs {
		d.now.Outputs = append(d.now.Outputs, cfg.Outputs[i].ID)
	}
	for i := range cfg.People {
		p := control.DrillPerson{ID: cfg.People[i].ID, Name: cfg.People[i].Name, Through: []string{}}
		for _, w := range cfg.Ways(&cfg.People[i]) {
			p.Through = append(p.Through, w.Output)
		}
		d.now.Persons = append(d.now.Persons, p)
	}
	d.noted(agent.Event{At: d.began, Kind: agent.EventAct, Act: &agent.Act{Verb: "drill", Subject: string(d.now.ID), By: who.Name, UID: who.UID}})
	d.limit.Reset(wait)
	d.mu.Unlock()
	d.tell(agent.Raised, agent.StateUnack, d.began, func(string) agent.Severity { return agent.SeverityCritical })
	return true
}

// end ends the drill that runs: what sounds goes back to how things stand.
func (d *drills) end() {
	d.mu.Lock()
	if !d.now.Running {
		d.mu.Unlock()
		return
	}
	d.now.Running = false
	d.limit.Stop()
	answered := 0
	for _, p := range d.now.Persons {
		if p.AfterS != nil {
			answered++
		}
	}
	at := d.a.clock.Now()
	d.noted(agent.Event{At: at, Kind: agent.EventChange, Change: &agent.StateChange{
		Subject: "drill", State: "over", Detail: fmt.Sprintf("%s: %d of %d persons answered", d.now.ID, answered, len(d.now.Persons)),
	}})
	d.mu.Unlock()
	d.a.recorder.mu.Lock()
	defer d.a.recorder.mu.Unlock()
	d.tell(agent.Cleared, agent.StateNormal, at, d.a.recorder.sounding)
}

// what is told in a drill, in each language.
var drillTexts = map[agent.Transition]map[agent.Language]string{
	agent.Raised: {
		agent.English: "answer with your badge, or: frostline alarms ack drill",
		agent.Chinese: "请刷卡应答，或执行：frostline alarms ack drill",
	},
	agent.Cleared: {agent.English: "it is over", agent.Chinese: "演练结束"},
}

// tell brings the drill to every output, and to every person.
func (d *drills) tell(t agent.Transition, s agent.AlarmState, at agent.Instant, sounding func(output string) agent.Severity) {
	cfg, texts := d.a.cfg, drillTexts[t]
	event := &agent.AlarmEvent{
		ID: d.id(), Alarm: "drill", Kind: "drill", Severity: agent.SeverityCritical, Transition: t, State: s,
		Message: texts[agent.English], Texts: map[string]string{
			agent.Voice{Language: agent.Chinese}.Key():                         texts[agent.Chinese],
			agent.Voice{Language: agent.Chinese, Unit: agent.Fahrenheit}.Key(): texts[agent.Chinese],
			agent.Voice{Unit: agent.Fahrenheit}.Key():                          texts[agent.English],
		},
	}
	notice := announce.Notice{Site: cfg.Site, Gateway: cfg.Gateway, At: at, Event: event, Level: 1, Drill: true}
	for i := range cfg.Outputs {
		id := cfg.Outputs[i].ID
		notice.Only, notice.To, notice.Sounding = []string{id}, nil, sounding(id)
		d.a.announcer.dispatcher.Announce(notice)
	}
	var everybody []string
	for i := range cfg.People {
		everybody = append(everybody, cfg.People[i].ID)
	}
	for _, w := range waysOf(cfg, everybody) {
		notice.Only, notice.To, notice.Sounding = []string{w.output}, w.to, sounding(w.output)
		d.a.announcer.dispatcher.Announce(notice)
	}
}

// StartDrill implements control.Drills.
func (a *Agent) StartDrill(_ context.Context, who control.Person, r control.DrillStart) (control.Drill, error) {
	wait := time.Duration(r.WaitS) * time.Second
	switch {
	case strings.TrimSpace(who.Name) == "":
		return control.Drill{}, fmt.Errorf("%w: a drill needs a person's name", control.ErrUsage)
	case r.WaitS < int64(shortestDrill/time.Second) || r.WaitS > int64(longestDrill/time.Second):
		return control.Drill{}, fmt.Errorf("%w: wait_s: want %s to %s", control.ErrUsage, config.Duration(shortestDrill), config.Duration(longestDrill))
	}
	if !a.drills.start(who, wait) {
		return control.Drill{}, fmt.Errorf("a drill is running, begun by %s", a.drills.status().By)
	}
	return a.drills.status(), nil
}

// Drill implements control.Drills.
func (a *Agent) Drill(context.Context) (control.Drill, error) { return a.drills.status(), nil }

// AnswerDrill implements control.Drills.
func (a *Agent) AnswerDrill(_ context.Context, who control.Person, r control.DrillAnswer) (control.Drill, error) {
	how := r.How
	if how == "" {
		how = "reply"
	}
	if strings.TrimSpace(who.Name) == "" {
		return control.Drill{}, fmt.Errorf("%w: an answer needs a person's name", control.ErrUsage)
	}
	if !a.drills.answer(who, how) {
		return a.drills.status(), fmt.Errorf("%w: no drill is running", control.ErrUsage)
	}
	return a.drills.status(), nil
}

// EndDrill implements control.Drills.
func (a *Agent) EndDrill(context.Context, control.Person) (control.Drill, error) {
	a.drills.end()
	return a.drills.status(), nil
}

var _ control.Drills = (*Agent)(nil)
