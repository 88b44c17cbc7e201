package emulated

import (
	"errors"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// pin is a GPIO line: a switch of the script, an output, or a wire to a chip.
type pin struct {
	w    *World
	name string
	idle gpio.Level // where nothing is going on, and before the first Out
	do   Trouble    // what makes a switch's line high; empty where it is none
	on   string
	rose func() // called when an output goes from low to high; nil for nothing

	mu      sync.Mutex
	out     bool
	level   gpio.Level // of an output
	pull    gpio.Pull
	edge    gpio.Edge
	looked  time.Duration // when an edge was last looked for
	pulses  int           // short falls of the line that nobody has waited for yet
	stirred chan struct{} // closed to end a WaitForEdge; nil while none waits
}

func (p *pin) String() string          { return p.name }
func (p *pin) Name() string            { return p.name }
func (p *pin) Number() int             { return -1 }
func (p *pin) Function() string        { return "" }
func (p *pin) DefaultPull() gpio.Pull  { return gpio.PullNoChange }
func (p *pin) Halt() error             { p.stir(); return nil }
func (p *pin) at(t time.Duration) bool { return p.w.script.active(p.do, p.on, t) }

// Pull is what In was given last.
func (p *pin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

// In makes the line an input and forgets edges that nobody has waited for.
func (p *pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.stir()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out, p.pull, p.edge, p.pulses = false, pull, edge, 0
	p.looked = p.w.Elapsed()
	return nil
}

// Read is the level now.
func (p *pin) Read() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now(p.w.Elapsed())
}

// now needs p.mu.
func (p *pin) now(t time.Duration) gpio.Level {
	switch {
	case p.do != "":
		return gpio.Level(p.at(t))
	case p.out:
		return p.level
	}
	return p.idle
}

// Out makes the line an output.
func (p *pin) Out(l gpio.Level) error {
	if p.do != "" {
		return errors.New("emulated: " + p.name + " is wired to a switch")
	}
	p.mu.Lock()
	rose := l == gpio.High && p.out && p.level == gpio.Low
	p.out, p.level = true, l
	p.mu.Unlock()
	if rose && p.rose != nil {
		p.rose()
	}
	return nil
}

// PWM is not there.
func (p *pin) PWM(gpio.Duty, physic.Frequency) error {
	return errors.New("emulated: " + p.name + " has no PWM")
}

// pulse lets the line fall for a moment.
func (p *pin) pulse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pulses++
	p.stirLocked()
}

func (p *pin) stir() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stirLocked()
}

func (p *pin) stirLocked() {
	if p.stirred != nil {
		close(p.stirred)
		p.stirred = nil
	}
}

// WaitForEdge waits in real time for an edge of the kind that In was given. A negative
// timeout waits for ever; In, Halt and the world's Close end it.
func (p *pin) WaitForEdge(timeout time.Duration) bool {
	var late <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		seen, stirred := p.seen()
		if seen {
			return true
		}
		select {
		case <-ticker.C:
		case <-stirred:
			seen, _ = p.seen()
			return seen
		case <-late:
			return false
		case <-p.w.quit:
			return false
		}
	}
}

// seen reports whether there was an edge since it was last asked.
func (p *pin) seen() (edge bool, stirred <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stirred == nil {
		p.stirred = make(chan struct{})
	}
	falls, rises := p.pulses > 0, p.pulses > 0
	p.pulses = 0
	if p.do != "" {
		t := p.w.Elapsed()
		for _, e := range p.w.script.between(p.looked, t) {
			if e.Do == p.do && e.On == p.on {
				rises, falls = rises || e.Begin, falls || !e.Begin
			}
		}
		p.looked = t
	}
	switch p.edge {
	case gpio.RisingEdge:
		edge = rises
	case gpio.FallingEdge:
		edge = falls
	case gpio.BothEdges:
		edge = rises || falls
	}
	return edge, p.stirred
}

var _ gpio.PinIO = (*pin)(nil)
