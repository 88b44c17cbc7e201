package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"runtime"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// metrics turns the status into Prometheus metrics at each scrape.
type metrics struct {
	status func(context.Context) (control.Status, error)
	counts func() counters
	log    *slog.Logger
}

// families are all metrics. Names are for ever.
type families struct {
	readings, faults, scans, raised, value, age, alarms, condition *metric
	records, bytes, memory, waiting, taken, wire, routines         *metric
}

func newFamilies() *families {
	return &families{
		readings:  counterOf("readings_total", "Readings taken since the start, faults included."),
		faults:    counterOf("reading_faults_total", "Readings since the start that gave no value."),
		scans:     counterOf("scans_total", "Scans since the start."),
		raised:    counterOf("alarms_raised_total", "Alarms raised since the start."),
		value:     gaugeOf("value", "Newest value of a point, in the quantity's unit; absent while the point has none.", "zone", "point", "quantity"),
		age:       gaugeOf("reading_age_seconds", "Age of a point's newest reading.", "zone", "point"),
		alarms:    gaugeOf("alarms", "Alarms that are active or not acknowledged.", "state", "severity"),
		condition: gaugeOf("condition", "1 for every trouble the agent is in.", "code", "subject", "severity"),
		records:   gaugeOf("store_records", "Records in the store."),
		bytes:     gaugeOf("store_bytes", "Bytes of the store."),
		memory:    gaugeOf("store_in_memory", "Records that wait for the disk."),
		waiting:   gaugeOf("upstream_waiting", "Records that an upstream has not taken.", "upstream"),
		taken:     counterOf("upstream_taken_total", "Records that an upstream took since the start.", "upstream"),
		wire:      counterOf("upstream_bytes_total", "Bytes on an upstream's socket, both ways.", "upstream"),
		routines:  gaugeOf("goroutines", "Goroutines of the agent."),
	}
}

func (f *families) all() []*metric {
	return []*metric{
		f.readings, f.faults, f.scans, f.raised, f.value, f.age, f.alarms, f.condition,
		f.records, f.bytes, f.memory, f.waiting, f.taken, f.wire, f.routines,
	}
}

// ServeHTTP answers a scrape.
func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*statusWithin)
	defer cancel()
	s, err := m.status(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var text bytes.Buffer
	for _, f := range m.collect(&s).all() {
		if err := f.write(&text); err != nil {
			panic("daemon: a buffer takes everything: " + err.Error())
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := w.Write(text.Bytes()); err != nil {
		m.log.Debug("metrics not written", slog.Any("err", err))
	}
}

func (m *metrics) collect(s *control.Status) *families {
	f, c := newFamilies(), m.counts()
	f.readings.add(float64(c.Readings))
	f.faults.add(float64(c.Faults))
	f.scans.add(float64(c.Scans))
	f.raised.add(float64(c.Raised))
	f.routines.add(float64(runtime.NumGoroutine()))
	for _, z := range s.Zones {
		for _, p := range z.Points {
			if p.V != nil {
				f.value.add(p.V.Float64(), string(z.ID), string(p.Point), string(p.Quantity))
			}
			f.age.add(float64(p.AgeS), string(z.ID), string(p.Point))
		}
	}
	for _, state := range agent.AlarmStates() {
		for _, severity := range agent.Severities() {
			n := 0
			for i := range s.Alarms {
				if s.Alarms[i].State == state && s.Alarms[i].Severity == severity {
					n++
				}
			}
			if n > 0 {
				f.alarms.add(float64(n), string(state), string(severity))
			}
		}
	}
	for _, a := range s.Conditions {
		f.condition.add(1, a.Code, a.Subject, string(a.Severity))
	}
	f.records.add(float64(s.Store.Records))
	f.bytes.add(float64(s.Store.Bytes))
	f.memory.add(float64(s.Store.InMemory))
	for _, u := range s.Upstreams {
		f.waiting.add(float64(u.Waiting), string(u.ID))
		f.taken.add(float64(u.Taken), string(u.ID))
		f.wire.add(float64(u.Bytes), string(u.ID))
	}
	return f
}
