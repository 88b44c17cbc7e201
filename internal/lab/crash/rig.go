package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/wire"
)

// The names in the config.
var gateway = wire.Gateway{Site: "lab", Gateway: "crash"}

// rig is the whole test bench. One goroutine runs it.
type rig struct {
	o        options
	dir      string
	random   *rand.Rand
	broker   *peers.Broker
	relay    *peers.Proxy
	far      *farSide
	weather  *weather
	book     *book
	log      *os.File
	encoding string

	count tally
	wrong []string
}

// tally is what the table shows beside the book and the ledger.
type tally struct {
	lives, kills, stops int
	acked, witnessed    int
	later               int      // measured after the last look of the far side
	lost                []string // what never reached the far side
	ledger              receive.Account
	sabotaged           bool
}

func newRig(o options) (_ *rig, err error) {
	r := &rig{o: o, random: rand.New(rand.NewPCG(o.seed, 1)), book: newBook()}
	r.encoding = []string{"plain", "compact"}[r.random.IntN(2)]
	if r.dir, err = lab.Dir("crash"); err != nil {
		return nil, err
	}
	if err := r.build(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// build starts everything but the agent.
func (r *rig) build() (err error) {
	if err := os.WriteFile(filepath.Join(r.dir, "scenario.yaml"), []byte(scenario), 0o600); err != nil {
		return fmt.Errorf("crash: %w", err)
	}
	// With its session kept and its queue without limit, what the broker has acknowledged
	// reaches the receiver; the broker itself is not under test.
	r.broker, err = peers.RunMosquitto(r.dir, "persistence true", "persistence_location "+r.dir+"/",
		"max_queued_messages 0", "max_queued_bytes 0", "set_tcp_nodelay true")
	if err != nil {
		return err
	}
	if r.relay, err = peers.Relay(r.broker.Addr()); err != nil {
		return err
	}
	r.weather = &weather{broker: r.broker, relay: r.relay, random: rand.New(rand.NewPCG(r.o.seed, 2))}
	if r.log, err = os.Create(filepath.Join(r.dir, "receiver.log")); err != nil {
		return fmt.Errorf("crash: %w", err)
	}
	if r.far, err = newFarSide(r.dir, r.broker.URL(), slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		return err
	}
	// The receiver's session must exist before the first message.
	return lab.Await(context.Background(), "the receiver's connection", 30*time.Second, 10*time.Millisecond, r.far.Connected)
}

func (r *rig) close() error {
	var errs []error
	if r.far != nil {
		errs = append(errs, r.far.close())
	}
	if r.log != nil {
		errs = append(errs, r.log.Close())
	}
	if r.relay != nil {
		r.relay.Close()
	}
	if r.broker != nil {
		r.broker.Stop()
	}
	return errors.Join(errs...)
}

// run goes through all lives and the reckoning at the end. Violations are in r.wrong; an
// error is a test that could not be made.
func (r *rig) run(ctx context.Context) (err error) {
	storm, calm := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var broken error
	wg.Go(func() { broken = r.weather.run(storm) })
	defer func() {
		calm()
		wg.Wait()
		err = errors.Join(err, broken)
	}()
	told := 0
	for r.count.kills < r.o.n && len(r.wrong) == 0 {
		if err := r.life(ctx); err != nil {
			return err
		}
		if r.count.kills-told >= max(r.o.n/10, 1) {
			told = r.count.kills
			fmt.Fprintf(os.Stderr, "crash: %d of %d kills, %d records, %d delivered, %d transitions\n",
				r.count.kills, r.o.n, r.book.records(), len(r.far.received()), r.book.alarms.transitions)
		}
	}
	calm()
	wg.Wait()
	if len(r.wrong) > 0 || broken != nil {
		return nil
	}
	return r.reckon(ctx)
}

// life runs the agent once and ends it at a moment of chance: mostly at work, sometimes
// while it is still starting. One in ten ends politely.
func (r *rig) life(ctx context.Context) error {
	config, err := configure(r.dir, r.relay.Addr(), r.encoding, r.random)
	if err != nil {
		return err
	}
	polite := r.random.IntN(10) == 0
	last := 200 + r.random.IntN(1300)
	if !polite && r.random.IntN(6) == 0 {
		last = r.random.IntN(250)
	}
	ackEvery := time.Duration(150+r.random.IntN(600)) * time.Millisecond
	a, err := lab.Start(r.o.binary, filepath.Join(r.dir, "agent.log"), "run", "-c", config)
	if err != nil {
		return err
	}
	r.count.lives++
	w := newWitness(filepath.Join(r.dir, "store"))
	looking, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.run(looking, ackEvery) })
	select {
	case <-a.Ended():
	case <-ctx.Done():
	case <-time.After(time.Duration(last) * time.Millisecond):
	}
	if polite {
		r.count.stops++
		err = a.Stop()
	} else {
		r.count.kills++
		err = a.Kill()
	}
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.found(err.Error())
	}
	return r.verify(ctx, w, config)
}

func (r *rig) found(wrong ...string) { r.wrong = append(r.wrong, wrong...) }

// verify holds the dead agent's store against everything that anybody saw.
func (r *rig) verify(ctx context.Context, w *witness, config string) error {
	storeDir := filepath.Join(r.dir, "store")
	fresh, wrong := r.far.news() // before the store is read: all of it was durable when it was sent
	r.found(wrong...)
	if _, err := os.Stat(filepath.Join(storeDir, "frostline.db")); errors.Is(err, os.ErrNotExist) && len(r.book.epochs) == 0 {
		return nil // killed before there was a store
	}
	reread := r.count.lives%20 == 0
	after := r.book.from(reread)
	entries, err := readStore(ctx, storeDir, after)
	if err != nil {
		r.found(fmt.Sprintf("the store cannot be read: %v", err))
		return nil
	}
	r.sabotage(entries, fresh)
	r.found(r.book.look(after, entries)...)
	for who, seen := range map[string][]sight{"the far side has": fresh, "tail showed": w.saw} {
		absent, doubled := r.book.holds(who, seen)
		r.found(absent...)
		r.found(doubled...)
	}
	r.found(w.broken...)
	for _, id := range w.acked {
		if !r.book.alarms.has(id, agent.Acknowledged) {
			r.found(fmt.Sprintf("the acknowledgement of %s was confirmed and is not in the store", id))
		}
	}
	r.count.witnessed += len(w.saw)
	r.count.acked += len(w.acked)
	if err := r.checkStore(ctx, storeDir); err != nil {
		return err
	}
	return r.checkAlarms(ctx, config)
}

// readStore reads everything after a position, without an agent.
func readStore(ctx context.Context, dir string, after agent.Position) ([]entry, error) {
	db, err := store.OpenReadOnly(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it only read
	var entries []entry
	var line []byte
	for {
		records, err := db.After(ctx, after, 4096)
		if err != nil || len(records) == 0 {
			return entries, err
		}
		for i := range records {
			rec := &records[i]
			e := entry{pos: rec.Position, event: rec.Event}
			if !rec.Waiting() {
				if line, err = wire.AppendRecord(line[:0], gateway, rec, db); err != nil {
					return nil, err
				}
				e.digest = digestOf(line)
			}
			entries = append(entries, e)
			after = rec.Position
		}
	}
}

// checkStore has the binary itself check its store.
func (r *rig) checkStore(ctx context.Context, dir string) error {
	var report store.Report
	if err := r.ask(ctx, &report, "store", "check", "--json", "--dir", dir); err != nil {
		return err
	}
	if !report.OK {
		r.found(fmt.Sprintf("store check: %q", report.Problems))
	}
	return nil
}

// checkAlarms compares what the rules would wake up with to what the record says.
func (r *rig) checkAlarms(ctx context.Context, config string) error {
	var alarms []control.Alarm
	if err := r.ask(ctx, &alarms, "alarms", "list", "--json", "-c", config); err != nil {
		return err
	}
	open := map[agent.AlarmEventID]agent.AlarmState{}
	for _, a := range alarms {
		open[a.ID] = a.State
	}
	r.found(r.book.alarms.differ(open)...)
	return nil
}

// ask runs a verb of the binary and reads its JSON.
func (r *rig) ask(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, r.o.binary, args...)
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if decodeErr := json.Unmarshal(out, into); decodeErr != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			r.found(fmt.Sprintf("frostline %s: %v: %s", args, err, exit.Stderr))
			return nil
		}
		return fmt.Errorf("crash: frostline %s: %w", args, errors.Join(err, decodeErr))
	}
	return nil
}
