// Command year lives a seeded year of emulated rooms under the built-in profiles and prints
// which excursions the alarm engine raised, how late, and how many alarms reached people
// without one. Rules, profiles and engine are those of the agent; what an excursion is, the
// program works out a second time from the temperatures that only an emulation knows. It
// exits with 1 if an excursion was missed, or if more alarms than one for each zone and week
// reached people without an excursion.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
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
		fmt.Fprintln(os.Stderr, "year:", err)
		os.Exit(2)
	case !met:
		os.Exit(1)
	}
}

// command reads the flags, lives and prints. It reports whether the targets are met.
func command(args []string, out io.Writer) (bool, error) {
	flags := flag.NewFlagSet("year", flag.ContinueOnError)
	flags.SetOutput(out)
	rooms := flags.Int("rooms", 20, "rooms to live in")
	days := flags.Int("days", 365, "how long to live")
	seed := flags.Uint64("seed", 1, "what rooms, work, troubles and noise follow from")
	list := flags.Bool("v", false, "list excursions that were not raised, alarms without one, and alarms while nothing was broken")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if *rooms < 1 || *days < 1 || *days > 3660 || flags.NArg() > 0 {
		return false, errors.New("want -rooms above 0, -days from 1 to 3660, and no arguments")
	}
	records, err := live(*rooms, time.Duration(*days)*day, *seed)
	if err != nil {
		return false, err
	}
	s := tally(records)
	fmt.Fprintf(out, "%d rooms, %d days, seed %d, %d readings\n\n", *rooms, *days, *seed, s.readings)
	s.print(out)
	if *list {
		s.list(out)
	}
	return s.met(), nil
}

// live runs all rooms, as many at a time as there are processors. What happens in a room
// follows from the seed and the room's number alone.
func live(rooms int, span time.Duration, seed uint64) ([]*record, error) {
	records, errs := make([]*record, rooms), make([]error, rooms)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(rooms, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				records[i], errs[i] = liveIn(seed, i, span)
			}
		})
	}
	for i := range rooms {
		next <- i
	}
	close(next)
	all.Wait()
	return records, errors.Join(errs...)
}
