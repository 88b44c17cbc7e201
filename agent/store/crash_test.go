package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// child is what this test binary does when it is started to be killed, or to run out of
// disk: it appends counted records and prints each count once it is durable.
func child(dir string) {
	if limit, err := strconv.ParseUint(os.Getenv("FROSTLINE_STORE_FSIZE"), 10, 64); err == nil {
		lim := syscall.Rlimit{Cur: limit, Max: limit}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	c := clock.NewFake(began)
	o := options(dir, c)
	o.CommitWithin = 5 * time.Millisecond
	cond := newConditions()
	o.Conditions = cond
	db, err := Open(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	start, _ := strconv.Atoi(os.Getenv("FROSTLINE_STORE_START"))
	out := bufio.NewWriter(os.Stdout)
	var last *Ticket
	for i := start; i < start+3000; i++ {
		c.Advance(time.Second)
		records := readings(c.Now(), 1+i%40, agent.Value(i))
		var opts []AppendOption
		if i%5 == 0 {
			records = append(records, alarm(c.Now(), strconv.Itoa(i)))
			state := binary.LittleEndian.AppendUint64(nil, uint64(i))
			opts = append(opts, Urgent(), WithState("count", state))
		}
		ticket := db.Append(records, opts...)
		if i%5 != 0 {
			last = ticket
			continue
		}
		if limited := os.Getenv("FROSTLINE_STORE_FSIZE") != ""; limited {
			wait, stop := context.WithTimeout(ctx, time.Second)
			err := ticket.Wait(wait)
			stop()
			if err != nil {
				fmt.Fprintln(out, "refused", cond.holds("store-full"), cond.holds("store-failing"))
				break
			}
		} else if ticket.Wait(ctx) != nil {
			break
		}
		fmt.Fprintln(out, "durable", i)
		out.Flush()
	}
	_ = last
	out.Flush()
	cancel()
	<-done
}

// life runs a child on dir until it ends, or kills it after a time: since its start, or
// since its first durable record if settled. It returns the last count that the child said
// was durable.
func life(t *testing.T, dir string, from int, after time.Duration, settled bool, env ...string) (durable int, lines []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FROSTLINE_STORE_CHILD="+dir, "FROSTLINE_STORE_START="+strconv.Itoa(from))
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("32-bit: this kernel cannot run the test's own binary again without the emulator")
	}
	if err != nil {
		t.Fatal(err)
	}
	first := after
	if settled {
		first = 30 * time.Second
	}
	timer := time.AfterFunc(first, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	defer timer.Stop()
	durable = -1
	for sc := bufio.NewScanner(pipe); sc.Scan(); {
		if lines = append(lines, sc.Text()); settled && len(lines) == 1 {
			timer.Reset(after)
		}
		fmt.Sscanf(sc.Text(), "durable %d", &durable) //nolint:errcheck // other lines do not count
	}
	cmd.Wait() //nolint:errcheck // killed
	return durable, lines
}

func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	lives := 8
	if n, err := strconv.Atoi(os.Getenv("FROSTLINE_CRASHES")); err == nil {
		lives = n
	}
	dir := t.TempDir()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	next, ended := 0, 0
	promised := map[int]bool{}
	for i := range lives {
		durable, lines := life(t, dir, next, time.Duration(rnd.IntN(250))*time.Millisecond, i%2 == 0)
		for _, l := range lines {
			var n int
			if _, err := fmt.Sscanf(l, "durable %d", &n); err == nil {
				promised[n] = true
			}
		}
		ended = max(ended, durable)
		next += 10_000
		rep, err := Check(context.Background(), dir)
		if os.IsNotExist(err) || err != nil && rep.Packs == 0 && durable < 0 {
			continue // killed before there was a store
		}
		if err != nil || !rep.OK {
			t.Fatalf("check after a kill: %+v %v", rep, err)
		}
	}
	if len(promised) == 0 {
		t.Fatal("no life was long enough to promise anything")
	}
	c := clock.NewFake(began.Add(time.Hour))
	r := start(t, options(dir, c), c)
	r.put(readings(c.Now(), 1, 0)...)
	all := r.all()
	contiguous(t, all)
	seen := map[string]int{}
	for _, rec := range all {
		if rec.Type == agent.TypeEvent && rec.Event.Alarm != nil {
			seen[string(rec.Event.Alarm.ID)]++
		}
		if rec.Type == agent.TypeEvent && rec.Event.Gap != nil {
			t.Errorf("a kill must leave no gap: %+v", rec.Event.Gap)
		}
	}
	for n := range promised {
		if seen[strconv.Itoa(n)] != 1 {
			t.Errorf("alarm %d was durable and is there %d times", n, seen[strconv.Itoa(n)])
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("alarm %s is there %d times", id, n)
		}
	}
	var last string
	for _, rec := range r.all(agent.KindAlarms) {
		last = string(rec.Event.Alarm.ID)
	}
	state, _, err := r.State(context.Background(), "count")
	if err != nil || len(state) != 8 || strconv.Itoa(int(binary.LittleEndian.Uint64(state))) != last {
		t.Errorf("state %v is not that of the last alarm %s, %v", state, last, err)
	}
	for i, e := range epochs(all)[1:] {
		if e.Reason != "unclean" {
			t.Errorf("epoch %d began as %s", i, e.Reason)
		}
	}
	t.Logf("%d lives, %d records, %d promised commits, %d epochs", lives, len(all), len(promised), len(epochs(all)))
}

// TestFileSizeLimit has the kernel refuse writes beyond a size, as a full disk does.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	durable, lines := life(t, dir, 0, 20*time.Second, false, "FROSTLINE_STORE_FSIZE=1100000")
	if durable < 0 || len(lines) == 0 || lines[len(lines)-1] != "refused true false" {
		t.Fatalf("the child said last: %v", lines[max(0, len(lines)-3):])
	}
	if rep, err := Check(context.Background(), dir); err != nil || !rep.OK {
		t.Fatalf("check: %+v %v", rep, err)
	}
	c := clock.NewFake(began.Add(time.Hour))
	r := start(t, options(dir, c), c)
	r.put(readings(c.Now(), 1, 0)...)
	contiguous(t, r.all())
	seen := map[string]bool{}
	for _, rec := range r.all(agent.KindAlarms) {
		if rec.Event.Alarm != nil {
			seen[string(rec.Event.Alarm.ID)] = true
		}
	}
	for i := 0; i <= durable; i += 5 {
		if !seen[strconv.Itoa(i)] {
			t.Fatalf("alarm %d was durable and is gone", i)
		}
	}
}
