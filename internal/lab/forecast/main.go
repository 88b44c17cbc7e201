// Command forecast lives seeded years of emulated rooms and prints how well package
// agent/forecast announces what goes wrong in them.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	years := flag.Float64("years", 1, "years to live")
	rooms := flag.Int("rooms", 20, "rooms to live in")
	seed := flag.Uint64("seed", 1, "what everything follows from")
	verbose := flag.Bool("v", false, "print each room")
	flag.Parse()
	span := time.Duration(*years * 365 * float64(day))
	records := live(*rooms, span, *seed)
	if *verbose {
		printRooms(os.Stdout, records)
		for i, r := range records {
			for _, a := range r.said {
				fmt.Printf("S %d at %v for %v cause %s came %v p %.2f %v %v %v\n", i, a.at, a.until-a.at, a.cause, a.came, a.first.Probability, a.first.Earliest.Round(time.Minute), a.first.Median.Round(time.Minute), a.first.Latest.Round(time.Minute))
			}
			for _, e := range r.excursions {
				fmt.Printf("E %d at %v cause %s since %v lead %v\n", i, e.at, e.cause, e.at-e.since, e.lead)
			}
		}
	}
	if !printTable(os.Stdout, records) {
		os.Exit(1)
	}
}

// live runs all rooms, as many at a time as there are processors.
func live(rooms int, span time.Duration, seed uint64) []record {
	records := make([]record, rooms)
	next := make(chan int)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
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

func (h *House) String() string {
	kind := "cold"
	if h.Freezer {
		kind = "freezer"
	}
	return fmt.Sprintf("%s %s %.0f m³ τ %.0f/%.0f min lag %.0f", kind, h.Probe, h.Zone.Volume, h.Zone.Air*1000/h.Zone.Coupling/60, h.Zone.Product*1000/h.Zone.Coupling/60, h.Lag.Minutes())
}
