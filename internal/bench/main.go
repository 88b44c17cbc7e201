// Command bench measures every line of the budgets from the real release binary as a whole
// process, and prints each figure beside its budget: CPU from the operating system's
// accounting, disk from /proc/PID/io, wire bytes counted on the socket, lag by a subscriber
// at a real Mosquitto.
//
//	go run ./internal/bench -only disk,wire
//
// A missed budget is printed as MISSED and is no error; a line that could not be measured
// is, and the exit code is then 1. Whatever else runs on the machine is measured too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// figure is one measured number beside its budget.
type figure struct {
	Name   string  `json:"name"`
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Budget float64 `json:"budget,omitempty"` // 0: none, for comparison only
	Least  bool    `json:"at_least,omitempty"`
	OK     bool    `json:"ok"`
	Note   string  `json:"note,omitempty"`
}

func atMost(what string, value float64, unit string, budget float64, note string, args ...any) figure {
	return figure{What: what, Value: value, Unit: unit, Budget: budget, OK: value <= budget, Note: fmt.Sprintf(note, args...)}
}

func atLeast(what string, value float64, unit string, budget float64, note string, args ...any) figure {
	return figure{What: what, Value: value, Unit: unit, Budget: budget, Least: true, OK: value >= budget, Note: fmt.Sprintf(note, args...)}
}

// aside is a figure without a budget.
func aside(what string, value float64, unit string, note string, args ...any) figure {
	return figure{What: what, Value: value, Unit: unit, OK: true, Note: fmt.Sprintf(note, args...)}
}

// item is one line of the budgets, or a group of lines that one run measures.
type item struct {
	name string
	run  func(context.Context, *bench) ([]figure, error)
}

// items are in the order of the budgets.
var items = []item{
	{"disk", measureDisk},
	{"cpu", measureCPU},
	{"drain", measureDrain},
	{"wire", measureWire},
	{"lag", measureLag},
	{"memory", measureMemory},
	{"alarm", measureAlarm},
	{"engine", measureEngine},
	{"start", measureStart},
	{"size", measureSize},
}

func main() {
	var names []string
	for _, i := range items {
		names = append(names, i.name)
	}
	only := flag.String("only", "", "measure only these, separated by commas: "+strings.Join(names, ", "))
	short := flag.Bool("short", false, "shorter runs and smaller stores: quick and less exact")
	asJSON := flag.Bool("json", false, "print JSON, one figure a line")
	binary := flag.String("binary", "", "the binary (default: built static and stripped as for a release, into dist/)")
	keep := flag.Bool("keep", false, "keep the directory with logs and stores")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, os.Stdout, *only, *binary, *short, *asJSON, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, to io.Writer, only, binary string, short, asJSON, keep bool) (ok bool, err error) {
	chosen, err := choose(only)
	if err != nil {
		return false, err
	}
	b, err := newBench(ctx, binary, short)
	if err != nil {
		return false, err
	}
	if keep {
		fmt.Fprintln(os.Stderr, "bench: in", b.dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	}
	ok = true
	for _, i := range chosen {
		began := time.Now()
		figures, err := i.run(ctx, b)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil {
			ok = false
			fmt.Fprintf(os.Stderr, "bench: %s could not be measured: %v\n", i.name, err)
		}
		for _, f := range figures {
			f.Name = i.name
			if err := show(to, &f, asJSON); err != nil {
				return false, err
			}
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %s\n", i.name, time.Since(began).Round(time.Second))
	}
	return ok, nil
}

// choose finds the items that -only names; all of them without it.
func choose(only string) ([]item, error) {
	if only == "" {
		return items, nil
	}
	var chosen []item
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(items, func(i item) bool { return i.name == name })
		if i < 0 {
			return nil, fmt.Errorf("bench: no figure is named %q", name)
		}
		chosen = append(chosen, items[i])
	}
	return chosen, nil
}

// show prints a figure.
func show(to io.Writer, f *figure, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(to).Encode(f)
	}
	verdict, budget := "", ""
	if f.Budget != 0 {
		sign := "≤"
		if f.Least {
			sign = "≥"
		}
		budget = fmt.Sprintf("%s %s %s", sign, number(f.Budget), f.Unit)
		verdict = "OK"
		if !f.OK {
			verdict = "MISSED"
		}
	}
	note := ""
	if f.Note != "" {
		note = "  (" + f.Note + ")"
	}
	_, err := fmt.Fprintf(to, "%-7s %-58s %12s %-9s %-20s %-6s%s\n", f.Name, f.What, number(f.Value), f.Unit, budget, verdict, note)
	return err
}

// number writes three digits that mean something, and large numbers whole.
func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
