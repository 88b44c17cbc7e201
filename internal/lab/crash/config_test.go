package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

func TestTheConfigIsRight(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scenario.yaml"), []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := configure(dir, "127.0.0.1:1883", "compact", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, daemon.Known())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Sensors) != 7 || len(cfg.Scanners) != 1 || len(cfg.Upstreams) != 1 {
		t.Errorf("%d sensors, %d scanners, %d upstreams", len(cfg.Sensors), len(cfg.Scanners), len(cfg.Upstreams))
	}
}

func TestOptionsThatMakeNoTest(t *testing.T) {
	for _, o := range []options{{n: 0}, {n: 1, sabotage: "everything"}} {
		if _, err := run(t.Context(), o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
