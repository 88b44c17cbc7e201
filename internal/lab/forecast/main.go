// Command forecast lives seeded years of emulated rooms and prints how well package
// agent/forecast announces what goes wrong in them, beside the targets. It exits with 1 if a
// target is missed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	met, err := command(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "forecast:", err)
		os.Exit(2)
	case !met:
		os.Exit(1)
	}
}

// command reads the flags, lives and prints. It reports whether all targets are met.
func command(args []string, out io.Writer) (bool, error) {
	flags := flag.NewFlagSet("forecast", flag.ContinueOnError)
	flags.SetOutput(out)
	years := flags.Float64("years", 1, "how long to live")
	rooms := flags.Int("rooms", 20, "rooms to live in")
	seed := flags.Uint64("seed", 1, "what rooms, work, troubles and noise follow from")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if *years <= 0 || *years > 100 || *rooms < 1 || flags.NArg() > 0 {
		return false, errors.New("want -years above 0 and at most 100, -rooms above 0, and no arguments")
	}
	span := time.Duration(*years * 365 * float64(day)).Truncate(physicsStep)
	fmt.Fprintf(out, "%d rooms, %s days, seed %d\n\n", *rooms, trim(span.Hours()/24), *seed)
	sum := tally(live(*rooms, span, *seed))
	sum.print(out)
	return sum.met(), nil
}

// live runs all rooms, as many at a time as there are processors. What happens in a room
// follows from the seed and the room's number alone.
func live(rooms int, span time.Duration, seed uint64) []record {
	records := make([]record, rooms)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(rooms, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				records[i] = liveIn(seed, uint64(i), span)
			}
		})
	}
	for i := range rooms {
		next <- i
	}
	close(next)
	all.Wait()
	return records
}

func liveIn(seed, room uint64, span time.Duration) record {
	h := draw(rand.New(rand.NewPCG(seed, 2*room)))
	l := newLife(h, rand.New(rand.NewPCG(seed, 2*room+1)))
	j := newJudge(h, span)
	l.run(span, j.see)
	return j.record
}
