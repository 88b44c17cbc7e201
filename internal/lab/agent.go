// Package lab runs the real binary from outside, as a process: for the crash test and the
// measurements. It knows nothing of the inside of the agent that an operator could not see.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/frostline/frostline/internal/peers"
)

// Agent is one life of the binary. One goroutine ends it; the rest is safe for concurrent use.
type Agent struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	err   error // of its end, once ended is closed
}

// Start runs the binary with args and appends what it writes to the file log.
func Start(binary, log string, args ...string) (*Agent, error) {
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	a := &Agent{cmd: exec.Command(binary, args...), log: f, ended: make(chan struct{})}
	a.cmd.Stdout, a.cmd.Stderr = f, f
	if err := a.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("lab: start %s: %w", binary, err), f.Close())
	}
	go func() {
		a.err = errors.Join(a.cmd.Wait(), a.log.Close())
		close(a.ended)
	}()
	return a, nil
}

// PID is the process's id.
func (a *Agent) PID() int { return a.cmd.Process.Pid }

// Ended is closed when the process is gone.
func (a *Agent) Ended() <-chan struct{} { return a.ended }

// Kill ends the process with SIGKILL and waits until it is gone. Nil means that it was the
// signal that ended it; an error that it had ended by itself before.
func (a *Agent) Kill() error {
	_ = a.cmd.Process.Kill() // one that has ended by itself is told below
	<-a.ended
	if status, ok := a.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("lab: the agent ended by itself: %w", a.end())
}

// stopWithin is how long a clean stop may take.
const stopWithin = 30 * time.Second

// Stop ends the process with SIGTERM. An error means that it did not end cleanly, or not in time.
func (a *Agent) Stop() error {
	_ = a.cmd.Process.Signal(syscall.SIGTERM) // as in Kill
	patience := time.NewTimer(stopWithin)
	defer patience.Stop()
	select {
	case <-a.ended:
	case <-patience.C:
		return errors.Join(fmt.Errorf("lab: the agent did not stop within %v", stopWithin), a.Kill())
	}
	if err := a.end(); err != nil {
		return fmt.Errorf("lab: the agent did not stop cleanly: %w", err)
	}
	return nil
}

func (a *Agent) end() error {
	<-a.ended
	if a.err == nil && !a.cmd.ProcessState.Success() {
		return errors.New(a.cmd.ProcessState.String())
	}
	return a.err
}

// Written is how many bytes the process had the kernel write to disks in all its life. It
// may be asked once the process is gone.
func (a *Agent) Written() (int64, error) {
	u, ok := a.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("lab: this system does not account for what a process writes")
	}
	return u.Oublock * 512, nil
}

// Root is the repository's root.
func Root() (string, error) { return peers.Root() }

// Binary is where `make build` puts the binary.
func Binary() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "frostline")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("lab: no binary: run `make build`: %w", err)
	}
	return path, nil
}

// Dir makes a fresh directory below .cache at the repository's root: on the disk that the
// sources are on, not in a /tmp that may be memory.
func Dir(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	base := filepath.Join(root, ".cache", name)
	if err := os.MkdirAll(base, 0o750); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	dir, err := os.MkdirTemp(base, "run-")
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	return dir, nil
}

// Await asks ok every so often until it is true, ctx is done or within has passed.
func Await(ctx context.Context, what string, within, every time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	look := time.NewTicker(every)
	defer look.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("lab: waited %v in vain: %s", within, what)
		case <-look.C:
		}
	}
	return nil
}

// Sleep waits for d, or returns ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
