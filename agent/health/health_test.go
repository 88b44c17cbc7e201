package health

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/frostline/frostline/agent"
)

var update = flag.Bool("update", false, "write docs/conditions.md anew")

func TestRaiseAndClear(t *testing.T) {
	var told []string
	tr := NewTracker(func() agent.Instant { return agent.Instant{} }, func(a Active, raised bool) {
		told = append(told, fmt.Sprint(a.Code, " ", a.Subject, " ", raised))
	})
	store := tr.For("store")
	store.Raise("store-full", "no space")
	store.Raise("store-full", "still no space")
	tr.Raise("clock-held", "", "")
	active := tr.Active()
	if len(active) != 2 || active[0].Code != "store-full" || active[0].Detail != "still no space" || active[0].Remedy == "" {
		t.Fatalf("%+v", active)
	}
	store.Clear("store-full")
	store.Clear("store-full")
	if tr.Holds("store-full", "store") || !tr.Holds("clock-held", "") {
		t.Fatal("the wrong one was cleared")
	}
	if got := strings.Join(told, ", "); got != "store-full store true, clock-held  true, store-full store false" {
		t.Fatalf("told %q", got)
	}
}

// Another goroutine clears while the raising is still being told: the two are told in the
// order in which they happened. One that is told may raise and clear itself.
func TestChangesAreToldInTheirOrder(t *testing.T) {
	var mu sync.Mutex
	var told []string
	begun, cleared := make(chan struct{}), make(chan struct{})
	var tr *Tracker
	tr = NewTracker(func() agent.Instant { return agent.Instant{} }, func(a Active, raised bool) {
		if raised && a.Code == "store-full" {
			close(begun)
			<-cleared
			tr.Raise("clock-held", "", "")
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(a.Code, " ", raised))
	})
	go func() {
		defer close(cleared)
		<-begun
		tr.Clear("store-full", "store")
	}()
	tr.Raise("store-full", "store", "")
	if got, want := strings.Join(told, ", "), "store-full true, store-full false, clock-held true"; got != want {
		t.Fatalf("told %q, want %q", got, want)
	}
}

func TestAnUndeclaredCodeIsADefect(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("an undeclared code passes")
		}
	}()
	NewTracker(func() agent.Instant { return agent.Instant{} }, nil).Raise("bad-mood", "", "")
}

// docs/conditions.md is the table in words; `go test ./agent/health -update` writes it.
func TestConditionsPageIsFresh(t *testing.T) {
	const path = "../../docs/conditions.md"
	var b strings.Builder
	b.WriteString("# Conditions\n\nEvery trouble the agent can be in, its code, and what to do. `frostline status` shows those that hold now.\n" +
		"Written by `go test ./agent/health -update` from agent/health.\n\n| code | severity | what it says | what to do |\n|---|---|---|---|\n")
	for _, c := range Conditions() {
		if c.Title == "" || c.Remedy == "" || !strings.HasSuffix(c.Title, ".") || !strings.HasSuffix(c.Remedy, ".") {
			t.Errorf("%s: title and remedy must be sentences", c.Code)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Code, c.Severity, c.Title, c.Remedy)
	}
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is stale: run go test ./agent/health -update", path)
	}
}
