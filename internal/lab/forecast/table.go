package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// The targets.
const (
	slowEnough  = 30 * time.Minute // excursions that take longer than this after their cause
	early       = 20 * time.Minute // must be announced this long before
	wantEarly   = 0.80             // in at least this share
	mostFalse   = 1.0              // false pre-alarms per room and month
	leastInside = 0.85
	mostInside  = 0.95
)

func printTable(w io.Writer, all []record) bool {
	var months float64
	var inside, firsts tally
	fmt.Fprintf(w, "%-18s %10s %10s %10s %8s %12s\n", "cause", "excursions", "slow", "announced", "share", "median lead")
	var slowAll, goodAll int
	for _, c := range []Cause{CauseCompressor, CausePower, CauseDoor, CauseLeak, CauseNone} {
		n, slow, good := 0, 0, 0
		var leads []float64
		for _, r := range all {
			for _, e := range r.excursions {
				if e.cause != c {
					continue
				}
				n++
				if c == CauseNone || e.at-e.since <= slowEnough {
					continue
				}
				slow++
				if e.lead >= early {
					good++
				}
				leads = append(leads, e.lead.Minutes())
			}
		}
		slices.Sort(leads)
		mid := 0.0
		if len(leads) > 0 {
			mid = leads[len(leads)/2]
		}
		fmt.Fprintf(w, "%-18s %10d %10d %10d %7.0f%% %8.0f min\n", c, n, slow, good, 100*float64(good)/float64(max(slow, 1)), mid)
		slowAll += slow
		goodAll += good
	}
	said, vain, averted := 0, 0, 0
	var widths []float64
	for _, r := range all {
		months += r.months
		for _, s := range r.said {
			said++
			switch {
			case s.came:
			case s.cause == CauseNone:
				vain++
			default:
				averted++
			}
		}
		inside.early += r.inside.early
		inside.held += r.inside.held
		inside.late += r.inside.late
		firsts.early += r.firsts.early
		firsts.held += r.firsts.held
		firsts.late += r.firsts.late
		widths = append(widths, r.width...)
	}
	slices.Sort(widths)
	fmt.Fprintf(w, "room-months %.0f, pre-alarms %d: without a cause %d, cause gone in time %d\n", months, said, vain, averted)
	share := float64(goodAll) / float64(max(slowAll, 1))
	falseRate := float64(vain+averted) / months
	held := float64(inside.held) / float64(max(inside.n(), 1))
	fmt.Fprintf(w, "announced early: %.1f%% (≥ 80)  false/room-month %.2f (%.2f without cause) (≤ 1)\n", 100*share, falseRate, float64(vain)/months)
	fmt.Fprintf(w, "interval: %.1f%% of %d (early %d late %d); at raising %.1f%% of %d (early %d late %d) median width %.0f\n", 100*held, inside.n(), inside.early, inside.late,
		100*float64(firsts.held)/float64(max(firsts.n(), 1)), firsts.n(), firsts.early, firsts.late, widths[len(widths)/2])
	return share >= wantEarly && falseRate <= mostFalse && held >= leastInside && held <= mostInside
}

func printRooms(w io.Writer, all []record) {
	for i, r := range all {
		n, good, vain, averted := 0, 0, 0, 0
		per := map[Cause][2]int{}
		for _, e := range r.excursions {
			if e.cause == CauseNone || e.at-e.since <= slowEnough {
				continue
			}
			p := per[e.cause]
			p[0]++
			n++
			if e.lead >= early {
				good++
				p[1]++
			}
			per[e.cause] = p
		}
		for _, s := range r.said {
			switch {
			case s.came:
			case s.cause == CauseNone:
				vain++
			default:
				averted++
			}
		}
		fmt.Fprintf(w, "%2d %-45s exc %3d slow %3d good %3d vain %3d averted %3d in %v first %v known %v %v\n", i, r.house.String(), len(r.excursions), n, good, vain, averted, r.inside, r.firsts, r.house.Known, per)
	}
}
