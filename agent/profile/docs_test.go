package profile

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
)

var update = flag.Bool("update", false, "rewrite docs/profiles.md and the expected messages")

const (
	page  = "../../docs/profiles.md"
	begin = "<!-- from configs/profiles by go test ./agent/profile -update: do not edit what follows -->\n"
)

// The tables of docs/profiles.md are those of the files.
func TestPageIsFresh(t *testing.T) {
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	prose, _, found := bytes.Cut(old, []byte(begin))
	if !found {
		t.Fatalf("%s has no line %q", page, begin)
	}
	want := append(append(bytes.Clone(prose), begin...), tables(all(t))...)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(old, want) {
		t.Errorf("%s is not fresh: run go test ./agent/profile -update", page)
	}
}

// tables is a table for each profile, for people.
func tables(list []*Profile) string {
	var b strings.Builder
	choices := map[string]string{}
	for _, p := range list {
		for _, s := range p.Sources {
			if s.Mark == Own {
				choices[s.ID] = s.Why
			}
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s.", p.ID, p.Title)
		if p.About != "" {
			b.WriteString(" " + p.About)
		}
		b.WriteString("\n\n| limit | watches | rule | severity | sources |\n|---|---|---|---|---|\n")
		for i := range p.Limits {
			l := &p.Limits[i]
			words := config.Words(l.Settings)
			if l.Kind != "limit" {
				words = l.Kind + " " + words
			}
			severity := string(l.Severity)
			if l.Absolute {
				severity += ", absolute"
			}
			fmt.Fprintf(&b, "| %s | %s %s, %s | %s | %s | %s |\n", l.ID, l.Role, l.Quantity, l.Quantity.Unit(), words, severity, origins(p, l))
		}
		if d := demandLines(&p.Demands); len(d) > 0 {
			b.WriteString("\n| demand | what | source |\n|---|---|---|\n")
			for _, line := range d {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", line[0], line[1], origin(p.Source(line[2])))
			}
		}
	}
	b.WriteString("\n## Own choices\n\n| name | why |\n|---|---|\n")
	for _, id := range slices.Sorted(maps.Keys(choices)) {
		fmt.Fprintf(&b, "| %s | %s |\n", id, choices[id])
	}
	return b.String()
}

// origins says of each number of a limit where it comes from.
func origins(p *Profile, l *Limit) string {
	var order []string
	keys := map[string][]string{}
	for _, key := range []string{"above", "at_or_above", "below", "at_or_below", "stages", "for", "total", "within", "dh", "deadband"} {
		if id, ok := l.From[key]; ok {
			if keys[id] == nil {
				order = append(order, id)
			}
			keys[id] = append(keys[id], key)
		}
	}
	var out []string
	for _, id := range order {
		out = append(out, strings.Join(keys[id], ", ")+": "+origin(p.Source(id)))
	}
	return strings.Join(out, "; ")
}

func origin(s Source) string {
	if s.Mark == Own {
		return "own choice, " + s.ID
	}
	text := s.Document
	if s.Clause != "" {
		text += ", " + s.Clause
	}
	text = strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text)
	return text + " (" + string(s.Mark) + ")"
}

// demandLines are the demand, what it is, and the id of its source.
func demandLines(d *Demands) [][3]string {
	var out [][3]string
	for _, line := range demanded(d) {
		demand, rest, _ := strings.Cut(line, ": ")
		what, from, found := strings.Cut(rest, " from ")
		if !found {
			what, from = "yes", strings.TrimPrefix(rest, "from ")
		}
		out = append(out, [3]string{demand, strings.TrimPrefix(what, "quantity "), from})
	}
	return out
}

// What the page says about counting probes.
func TestProbesDemanded(t *testing.T) {
	vehicle := Probes{Count: 2, Over: 20 * agent.Unit, OneMore: 20 * agent.Unit}
	for volume, want := range map[agent.Value]int64{0: 2, 20 * agent.Unit: 2, 20*agent.Unit + 1: 3, 40 * agent.Unit: 3, 41 * agent.Unit: 4, 90 * agent.Unit: 6} {
		if got := vehicle.Demanded(volume); got != want {
			t.Errorf("in %s m³: %d probes, want %d", volume, got, want)
		}
	}
	room := Probes{Count: 2}
	if got := room.Demanded(1000 * agent.Unit); got != 2 {
		t.Errorf("in a room: %d", got)
	}
}
