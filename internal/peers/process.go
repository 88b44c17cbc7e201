package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startWithin is how long a peer may take until it answers; the machine may be busy.
const startWithin = 30 * time.Second

// stopWithin is how long a peer may take to end after SIGTERM before it is killed.
const stopWithin = 10 * time.Second

// process is one run of a peer after another, all with the same arguments. Its methods
// are called by one goroutine, in a test by the test's.
type process struct {
	t    testing.TB // nil outside of tests: then only launch and send may be called to begin something
	name string
	path string
	args []string
	log  *logBuffer

	cmd   *exec.Cmd // nil while it does not run
	ended chan struct{}
}

// start is launch for a test, which an error ends.
func (p *process) start(answers func() error) {
	p.t.Helper()
	if err := p.launch(answers); err != nil {
		p.t.Fatal(err)
	}
}

// launch runs the program and waits until answers returns nil.
func (p *process) launch(answers func() error) error {
	if p.cmd != nil {
		return fmt.Errorf("peers: %s: runs already", p.name)
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("peers: start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its exit status after a signal tells nothing; a premature end is reported below
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended

	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	last := errors.New("not asked yet")
	for {
		if last = answers(); last == nil {
			return nil
		}
		select {
		case <-ended:
			p.cmd = nil
			return fmt.Errorf("peers: %s ended at its start\n%s", p.name, p.log)
		case <-ctx.Done():
			p.end(syscall.SIGKILL)
			return fmt.Errorf("peers: %s does not answer: %w\n%s", p.name, last, p.log)
		case <-look.C:
		}
	}
}

// end signals the process and waits until it is gone. Ending what has ended does nothing.
func (p *process) end(sig syscall.Signal) {
	if p.cmd == nil {
		return
	}
	// An error means that it has ended by itself, which is what is asked for.
	_ = p.cmd.Process.Signal(sig)
	if sig != syscall.SIGKILL {
		patience := time.NewTimer(stopWithin)
		defer patience.Stop()
		select {
		case <-p.ended:
		case <-patience.C:
			_ = p.cmd.Process.Kill()
		}
	}
	<-p.ended
	p.cmd = nil
}

// signal sends sig to the running process: SIGSTOP and SIGCONT hang it and let it go on.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if p.cmd == nil {
		p.t.Fatalf("peers: %s does not run", p.name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("peers: %s: %v: %v", p.name, sig, err)
	}
}

// logBuffer keeps what a peer wrote.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is everything written so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
