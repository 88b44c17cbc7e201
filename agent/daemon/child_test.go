package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/sensors"
)

// childConfig is the environment variable by which the test's binary runs an agent of the
// config file that it names, on the machine's clock, until it is killed or told to stop.
const childConfig = "FROSTLINE_DAEMON_TEST_CONFIG"

// paper is a thermometer that shows what stands in a file.
type paper struct{ file string }

type paperConfig struct {
	File string `yaml:"file,required" doc:"what it shows"`
}

func (p paper) Read(_ context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	text, err := os.ReadFile(p.file)
	if err != nil {
		return dst, err
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return dst, err
	}
	return append(dst, sensors.Sample{Point: "temperature", Value: agent.Value(v) * agent.Unit}), nil
}

func (paper) Close() error { return nil }

// childDrivers are the built-in ones and the paper thermometer.
func childDrivers() drivers {
	d := builtIn()
	d.sensors["paper"] = sensors.Define("paper", paperConfig{},
		func(paperConfig) []sensors.PointSpec {
			return []sensors.PointSpec{{Name: "temperature", Quantity: agent.Temperature}}
		},
		func(_ context.Context, _ sensors.Host, c paperConfig) (sensors.Sensor, error) {
			return paper{c.File}, nil
		})
	return d
}

func runChild() int {
	d := childDrivers()
	cfg, err := config.Load(os.Getenv(childConfig), d.known())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := New(ctx, Options{
		Config: cfg, Version: "test", drivers: &d,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err == nil {
		err = a.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
