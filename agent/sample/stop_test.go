package sample_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/sample"
	"github.com/frostline/frostline/sensors"
)

// slow is a thermometer whose reading takes until its context ends.
type slow struct{ reading chan struct{} }

func (s slow) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	s.reading <- struct{}{}
	<-ctx.Done()
	return dst, fmt.Errorf("slow: read: %w", ctx.Err())
}
func (slow) Close() error { return nil }

func TestAStopIsNoFailureOfTheSensor(t *testing.T) {
	hold := make(chan struct{})
	for name, open := range map[string]func(context.Context) (sensors.Sensor, error){
		"read": always(slow{hold}),
		"open": func(ctx context.Context) (sensors.Sensor, error) {
			hold <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, cond, c := newSink(), &conditions{}, clock.NewFake(start)
			lane := sample.NewLane(sample.LaneOptions{
				ID: "cr1", Open: open, Every: 10 * time.Second, Timeout: time.Minute, Base: c.Now().Mono, Clock: c, Sink: s, Conditions: cond,
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); _ = lane.Run(ctx) }()
			next(t, hold)
			cancel()
			<-done
			if len(s.events) != 0 || len(s.readings) != 0 || cond.has("sensor-failing") {
				t.Errorf("the stop left %d events, %d readings, failing %v", len(s.events), len(s.readings), cond.has("sensor-failing"))
			}
		})
	}
}

// shyDoor cannot be watched at first.
type shyDoor struct {
	doorSensor
	refuse chan error
}

func (d shyDoor) Watch(ctx context.Context, changed func()) error {
	select {
	case err := <-d.refuse:
		return err
	default:
		return d.doorSensor.Watch(ctx, changed)
	}
}

func TestAWatchThatFailedIsTriedAgain(t *testing.T) {
	door := shyDoor{doorSensor{thermometer{next: func() (agent.Value, error) { return agent.Unit, nil }}, make(chan struct{})}, make(chan error, 1)}
	door.refuse <- agent.FaultIO
	r := run(t, always(door), func(d *agent.Definition) { d.Quantity = agent.Door })
	next(t, r.readings)
	r.clock.Advance(3 * time.Second)
	select {
	case door.changes <- struct{}{}:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody watches the door any more")
	}
	if got := next(t, r.readings)[0]; !got.At.Wall.Equal(start.Add(3 * time.Second)) {
		t.Fatalf("the change was recorded at %v", got.At.Wall)
	}
}

// lastWord emits once more when it is told to stop.
type lastWord struct{ running chan struct{} }

func (l lastWord) Run(ctx context.Context, emit func(sensors.Observation)) error {
	l.running <- struct{}{}
	<-ctx.Done()
	for range sample.QueueSize + 10 {
		emit(sensors.Observation{Code: "last"})
	}
	return nil
}
func (lastWord) Close() error { return nil }

func TestWhatIsScannedWhileStoppingIsHandedOn(t *testing.T) {
	s, running := newSink(), make(chan struct{})
	scanner := sample.NewScanner(sample.ScannerOptions{
		ID: "dock", Timeout: time.Second, Clock: clock.NewFake(start), Sink: s, Conditions: &conditions{},
		Open: func(context.Context) (sensors.Scanner, error) { return lastWord{running}, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = scanner.Run(ctx) }()
	next(t, running)
	cancel()
	<-done
	told := int64(len(s.scans))
	for len(s.events) > 0 {
		if e := <-s.events; e.Gap != nil {
			told += e.Gap.Counts[0].Count
		}
	}
	if told != sample.QueueSize+10 {
		t.Errorf("%d of %d scans are handed on or told as a gap", told, sample.QueueSize+10)
	}
}
