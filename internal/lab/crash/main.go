// Command crash kills the agent's real binary with SIGKILL at random moments while it
// measures, warns and delivers to a real Mosquitto that comes and goes, and holds the store
// against everything that anybody outside saw: the receiver's ledger, `frostline tail`, the
// answers to a person. Nothing committed may be lost, positions are contiguous, none has two
// contents, and every alarm goes through its life cycle without a gap.
//
//	go run ./internal/lab/crash -n 200 -seed 7
//
// It exits with 1 on the first violation and keeps its directory then. A seed repeats what
// is chosen by chance, not when the operating system does what.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/frostline/frostline/internal/lab"
)

type options struct {
	n        int
	seed     uint64
	binary   string
	sabotage string
	keep     bool
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 200, "kills")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()%1_000_000), "what chance begins with")
	flag.StringVar(&o.binary, "binary", "", "the binary (default: bin/frostline)")
	flag.StringVar(&o.sabotage, "sabotage", "", "play a defect, which must be found: "+strings.Join(sabotages, ", "))
	flag.BoolVar(&o.keep, "keep", false, "keep the directory in any case")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (ok bool, err error) {
	if o.n < 1 || o.sabotage != "" && !slices.Contains(sabotages, o.sabotage) {
		return false, errors.New("crash: want -n of at least 1, and a -sabotage that is known")
	}
	if o.binary == "" {
		if o.binary, err = lab.Binary(); err != nil {
			return false, err
		}
	}
	began := time.Now()
	r, err := newRig(o)
	if err != nil {
		return false, err
	}
	err = errors.Join(r.run(ctx), r.close())
	if err := r.report(os.Stdout, time.Since(began)); err != nil {
		return false, err
	}
	ok = err == nil && len(r.wrong) == 0
	if !ok || o.keep {
		fmt.Fprintln(os.Stdout, "kept:", r.dir)
		return ok, err
	}
	return true, os.RemoveAll(r.dir)
}

// shown is how many violations are printed; one defect may cause thousands.
const shown = 20

// report prints the table and what is wrong.
func (r *rig) report(to io.Writer, took time.Duration) error {
	w := tabwriter.NewWriter(to, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seed\tlives\tkills\tstops\tflaps\trecords\tepochs\tseen by tail\tdelivered\tlater\trepeats\tlost\tdoubled\ttransitions\tacknowledged\ttook\t")
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n",
		r.o.seed, r.count.lives, r.count.kills, r.count.stops, r.weather.flaps, r.book.records(), len(r.book.epochs), r.count.witnessed,
		len(r.far.received()), r.count.later, r.count.ledger.Repeats, len(r.count.lost), r.count.ledger.Doubled,
		r.book.alarms.transitions, r.count.acked, took.Round(100*time.Millisecond))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("crash: %w", err)
	}
	for i, text := range r.wrong {
		if i == shown {
			fmt.Fprintf(to, "… and %d more\n", len(r.wrong)-shown)
			break
		}
		fmt.Fprintln(to, "VIOLATED:", text)
	}
	if r.o.sabotage != "" && len(r.wrong) == 0 {
		r.found("the defect that was played was not found: " + r.o.sabotage)
		fmt.Fprintln(to, "VIOLATED:", r.wrong[0])
	}
	if len(r.wrong) == 0 {
		fmt.Fprintln(to, "nothing lost, nothing doubled, every alarm's path is whole")
	}
	return nil
}
