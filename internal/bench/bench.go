package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/internal/peers"
)

// The names in every config.
const (
	site     = "lab"
	gateway  = "bench"
	upstream = "far"
)

// bench is what all measurements share.
type bench struct {
	dir    string
	binary string
	short  bool
}

func newBench(ctx context.Context, binary string, short bool) (*bench, error) {
	b := &bench{binary: binary, short: short}
	if binary == "" {
		var err error
		if b.binary, err = release(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	b.dir, err = lab.Dir("bench")
	return b, err
}

// release builds the binary as it is shipped, for this machine.
func release(ctx context.Context) (string, error) {
	arch := runtime.GOARCH
	if arch == "arm" {
		arch = "armv7"
	}
	root, err := lab.Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "make", "-s", "-C", root, "cross", "PACKAGED="+arch)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("bench: build the release binary: %w (or name one with -binary)", err)
	}
	return filepath.Join(root, "dist", "frostline-linux-"+arch), nil
}

// pick is full, or brief with -short.
func pick[T any](b *bench, full, brief T) T {
	if b.short {
		return brief
	}
	return full
}

// place makes the directory of one measurement.
func (b *bench) place(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return dir, nil
}

// setup says what a measurement's gateway is like.
type setup struct {
	points   int    // synthetic temperatures
	every    string // how often all of them are read
	broker   string // address of the upstream; empty: none
	encoding string // plain if empty
	limit    string // of the alarm on every point; empty: one that is never reached
	webhook  string // URL that is told of alarms; empty: none
	quick    int    // further points that are read every 100 ms and cross the limit
}

// config is the gateway's file. All that is not set is as a user gets it.
func (s setup) config(dir string) string {
	if s.encoding == "" {
		s.encoding = "plain"
	}
	text := fmt.Sprintf("site: %s\ngateway: %s\nstore: {dir: %s/store, commit_within: 1s}\nweb: {listen: \"off\"}\nlog: {level: warn}\n", site, gateway, dir)
	text += "zones:\n  - {id: hall, name: Hall}\n  - {id: busy, name: Busy}\n"
	text += fmt.Sprintf("sensors:\n  - {id: syn, driver: synthetic, points: %d, seed: 1, every: %s, zone: hall, role: air}\n", s.points, s.every)
	if s.quick > 0 {
		text += fmt.Sprintf("  - {id: quick, driver: synthetic, points: %d, seed: 2, every: 100ms, zone: busy, role: air}\n", s.quick)
	}
	text += "alarms:\n"
	switch {
	case s.limit == "":
		text += "  - {id: high, zone: hall, quantity: temperature, above: 30.0, for: 5m, severity: critical}\n"
	case s.quick > 0:
		text += fmt.Sprintf("  - {id: high, zone: busy, quantity: temperature, above: %s, severity: critical}\n", s.limit)
	default:
		text += fmt.Sprintf("  - {id: high, zone: hall, quantity: temperature, above: %s, severity: critical}\n", s.limit)
	}
	if s.webhook != "" {
		text += fmt.Sprintf("outputs:\n  - {id: hook, driver: webhook, url: %q, flood: {most: 0}}\n", s.webhook)
	}
	if s.broker != "" {
		text += fmt.Sprintf("upstreams:\n  - {id: %s, driver: mqtt, url: \"mqtt://%s\", encoding: %s}\n", upstream, s.broker, s.encoding)
	}
	return text
}

// gatewayRun is one running agent.
type gatewayRun struct {
	*lab.Agent
	dir     string
	control *control.Client
}

// start runs the agent in dir; it is not waited for.
func (b *bench) start(dir string, s setup) (*gatewayRun, error) {
	path := filepath.Join(dir, "frostline.yaml")
	if err := os.WriteFile(path, []byte(s.config(dir)), 0o600); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	a, err := lab.Start(b.binary, filepath.Join(dir, "agent.log"), "run", "-c", path)
	if err != nil {
		return nil, err
	}
	return &gatewayRun{Agent: a, dir: dir, control: control.NewClient(filepath.Join(dir, "store"))}, nil
}

// with runs the agent in dir while f measures, and stops it then.
func (b *bench) with(ctx context.Context, dir string, s setup, f func(*gatewayRun) error) (err error) {
	g, err := b.start(dir, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Stop()) }()
	if err := g.ready(ctx); err != nil {
		return err
	}
	return f(g)
}

// ready waits until the agent answers.
func (g *gatewayRun) ready(ctx context.Context) error {
	return lab.Await(ctx, "the agent's control socket", 30*time.Second, 5*time.Millisecond, func() bool {
		_, err := g.status(ctx)
		return err == nil
	})
}

func (g *gatewayRun) status(ctx context.Context) (control.Status, error) {
	var s control.Status
	err := g.control.Get(ctx, "status", &s)
	return s, err
}

// far is the upstream's part of the status.
func (g *gatewayRun) far(ctx context.Context) (control.Upstream, error) {
	s, err := g.status(ctx)
	if err != nil {
		return control.Upstream{}, err
	}
	for _, u := range s.Upstreams {
		if u.ID == upstream {
			return u, nil
		}
	}
	return control.Upstream{}, errors.New("bench: the agent does not know its upstream")
}

// delivering waits until the upstream has taken something.
func (g *gatewayRun) delivering(ctx context.Context) error {
	return lab.Await(ctx, "the first delivery", 60*time.Second, 20*time.Millisecond, func() bool {
		u, err := g.far(ctx)
		return err == nil && u.Taken > 0
	})
}

// broker starts a Mosquitto with its files in dir. It takes what comes as fast as it can:
// a queue without limit for the subscriber.
func broker(dir string) (*peers.Broker, error) {
	return peers.RunMosquitto(dir, "max_queued_messages 0", "max_queued_bytes 0", "set_tcp_nodelay true")
}
