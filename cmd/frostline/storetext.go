package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/store"
)

// renderStat prints the store's statistics for people.
func renderStat(w io.Writer, s *store.Stat) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	var counts []string
	for _, k := range agent.Kinds() {
		counts = append(counts, fmt.Sprintf("%d %s", s.Records[k], k))
	}
	fmt.Fprintf(t, "records\t%s\n", strings.Join(counts, ", "))
	fmt.Fprintf(t, "from\t%s\t%s\n", s.Oldest, clockTime(s.OldestTime))
	fmt.Fprintf(t, "to\t%s\t%s\n", s.Head, clockTime(s.NewestTime))
	fmt.Fprintf(t, "on disk\t%s in the file (%s in use), %s in the log; %s free\n",
		size(s.Bytes), size(s.LiveBytes), size(s.WALBytes), size(s.FreeBytes))
	if s.HoldDays > 0 {
		fmt.Fprintf(t, "keep lasts\tabout %.0f days at this rate\n", s.HoldDays)
	}
	if s.InMemory > 0 {
		fmt.Fprintf(t, "in memory\t%d records wait for the disk\n", s.InMemory)
	}
	if s.Quarantined > 0 {
		fmt.Fprintf(t, "set aside\t%d records that an upstream rejected\n", s.Quarantined)
	}
	for _, name := range s.SetAside {
		fmt.Fprintf(t, "set aside\t%s\n", name)
	}
	for _, e := range s.Epochs {
		fmt.Fprintf(t, "epoch\t%s\t%d to %d\t%s\n", e.Epoch, e.First, e.Last, e.Reason)
	}
	for _, c := range s.Cursors {
		fmt.Fprintf(t, "upstream\t%s/%s\t%d taken, %d waiting\n", c.Upstream, c.Lane, c.Taken, c.Waiting)
	}
	return t.Flush()
}

// renderReport prints what a check or repair found.
func renderReport(w io.Writer, r *store.Report) error {
	var n int64
	for _, count := range r.Records {
		n += count
	}
	if r.SetAside != "" {
		fmt.Fprintf(w, "the old store was set aside as %s\n", r.SetAside)
	}
	if r.Salvaging != "" {
		fmt.Fprintf(w, "records are still being salvaged from %s\n", r.Salvaging)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "and %d problems more\n", r.More)
	}
	verdict := "nothing is wrong"
	if !r.OK {
		verdict = "DAMAGED"
	}
	_, err := fmt.Fprintf(w, "%s: %d records in %d packs and %d epochs: %s\n", r.File, n, r.Packs, r.Epochs, verdict)
	return err
}
