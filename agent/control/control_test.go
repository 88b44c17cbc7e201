package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, a control.Agent) *control.Client {
	t.Helper()
	dir := t.TempDir()
	s, err := control.Listen(dir, a, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(filepath.Join(dir, control.SocketName))
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Fatalf("socket mode %v, %v; want 0660", info.Mode(), err)
	}
	return control.NewClient(dir)
}

func TestVerbsReachTheAgentWithThePeersUID(t *testing.T) {
	var got control.Person
	var wall time.Time
	c := serve(t, control.Agent{
		Status: func(context.Context) (control.Status, error) { return control.Status{Site: "s1", Gateway: "gw"}, nil },
		Ack: func(_ context.Context, who control.Person, r control.AckRequest) (control.AckReply, error) {
			got = who
			if r.Comment == "" {
				return control.AckReply{}, fmt.Errorf("%w: a comment is needed", control.ErrUsage)
			}
			return control.AckReply{Acknowledged: []agent.AlarmEventID{agent.AlarmEventID(r.ID)}}, nil
		},
		Backup:   func(context.Context, control.Person, string) error { return errors.New("disk full") },
		SetClock: func(_ context.Context, _ control.Person, w time.Time) error { wall = w; return nil },
	})
	var s control.Status
	if err := c.Get(t.Context(), "status", &s); err != nil || s.Gateway != "gw" {
		t.Fatalf("%+v, %v", s, err)
	}
	var r control.AckReply
	err := c.Post(t.Context(), "ack", control.AckRequest{ID: "a:b:1:1", By: "li", Comment: "door closed"}, &r)
	if err != nil || len(r.Acknowledged) != 1 || got.Name != "li" || got.UID != os.Getuid() {
		t.Fatalf("%+v by %+v, %v", r, got, err)
	}
	if err := c.Post(t.Context(), "ack", control.AckRequest{ID: "x", By: "li"}, &r); !errors.Is(err, control.ErrUsage) {
		t.Fatalf("without a comment: %v", err)
	}
	if err := c.Post(t.Context(), "ack", map[string]string{"idd": "x"}, &r); !errors.Is(err, control.ErrUsage) {
		t.Fatalf("an unknown key: %v", err)
	}
	err = c.Post(t.Context(), "store/backup", control.BackupRequest{File: "/x", By: "li"}, &control.CountReply{})
	if err == nil || errors.Is(err, control.ErrUsage) || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("a failed backup: %v", err)
	}
	want := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	if err := c.Post(t.Context(), "clock", control.ClockRequest{T: want, By: "li"}, &control.CountReply{}); err != nil || !wall.Equal(want) {
		t.Fatalf("clock: %v, %v", wall, err)
	}
}

func TestTailStreams(t *testing.T) {
	c := serve(t, control.Agent{Tail: func(ctx context.Context, line func([]byte) error) error {
		for i := range 6 { // the last three come with the first, and are not wanted any more
			if err := line(fmt.Appendf(nil, `{"seq":%d}`, i)); err != nil {
				return err
			}
		}
		<-ctx.Done()
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var lines []string
	err := c.Tail(ctx, func(b []byte) error {
		lines = append(lines, string(b))
		if len(lines) == 3 {
			cancel()
		}
		return nil
	})
	if err != nil || len(lines) != 3 || lines[2] != `{"seq":2}` {
		t.Fatalf("%q, %v", lines, err)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "missing"), filepath.Join(dir, "file", "store")} {
		err := control.NewClient(d).Get(t.Context(), "status", &control.Status{})
		if !errors.Is(err, control.ErrUnreachable) {
			t.Errorf("%s: %v, want ErrUnreachable", d, err)
		}
	}
}

func TestASocketThatNobodyAnswersOnIsReplaced(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		s, err := control.Listen(dir, control.Agent{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, control.SocketName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// trips is an agent that knows one person with the role quality.
type trips struct{ got control.Person }

func (f *trips) StartTrip(_ context.Context, who control.Person, r control.TripStart) (control.TripReply, error) {
	f.got = who
	return control.TripReply{Events: []agent.TripEvent{{ID: r.ID, N: 1, Transition: agent.TripStarted}}}, nil
}

func (f *trips) DoTrip(_ context.Context, _ control.Person, r control.TripOrder) (control.TripReply, error) {
	return control.TripReply{}, fmt.Errorf("%w: %s: no trip is open", control.ErrUsage, r.Do)
}

func (f *trips) DoCase(_ context.Context, who control.Person, r control.CaseOrder) (control.CaseReply, error) {
	if who.Name != "ada" {
		return control.CaseReply{}, fmt.Errorf("%w: this needs a person with the role quality", control.ErrNotPermitted)
	}
	return control.CaseReply{Events: []agent.ExcursionEvent{{ID: agent.CaseID(r.ID), Disposition: r.Disposition}}}, nil
}

func TestTripsAndCases(t *testing.T) {
	f := &trips{}
	c := serve(t, control.Agent{Trips: f})
	var trip control.TripReply
	err := c.Post(t.Context(), "trip/start", control.TripStart{ID: "t-1", By: "li", Stops: []agent.TripStop{{Name: "Clinic"}}}, &trip)
	if err != nil || len(trip.Events) != 1 || trip.Events[0].ID != "t-1" || f.got.Name != "li" || f.got.UID != os.Getuid() {
		t.Fatalf("%+v by %+v, %v", trip, f.got, err)
	}
	if err := c.Post(t.Context(), "trip", control.TripOrder{Do: "end", By: "li"}, &trip); !errors.Is(err, control.ErrUsage) {
		t.Errorf("no trip: %v", err)
	}
	var one control.CaseReply
	err = c.Post(t.Context(), "case", control.CaseOrder{ID: "cr1", Do: "dispose", Disposition: agent.DispositionReject, By: "li"}, &one)
	if !errors.Is(err, control.ErrNotPermitted) || strings.Count(err.Error(), "not permitted") != 1 {
		t.Errorf("without the role: %v", err)
	}
	err = c.Post(t.Context(), "case", control.CaseOrder{ID: "cr1", Do: "dispose", Disposition: agent.DispositionReject, By: "ada"}, &one)
	if err != nil || one.Events[0].Disposition != agent.DispositionReject {
		t.Errorf("%+v, %v", one, err)
	}
	if err := serve(t, control.Agent{}).Post(t.Context(), "trip", control.TripOrder{}, &trip); err == nil {
		t.Error("an agent without trips serves them")
	}
}
