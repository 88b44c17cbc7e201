package daemon

import (
	"context"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/frostline/frostline/agent/control"
)

// metrics turns the status into Prometheus metrics at each scrape.
type metrics struct {
	status func(context.Context) (control.Status, error)
	counts func() counters
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("frostline_"+name, help, labels, nil)
}

// The metrics. Names are for ever.
var (
	metricReadings  = desc("readings_total", "Readings taken since the start, faults included.")
	metricFaults    = desc("reading_faults_total", "Readings since the start that gave no value.")
	metricScans     = desc("scans_total", "Scans since the start.")
	metricRaised    = desc("alarms_raised_total", "Alarms raised since the start.")
	metricValue     = desc("value", "Newest value of a point, in the quantity's unit; absent while the point has none.", "zone", "point", "quantity")
	metricAge       = desc("reading_age_seconds", "Age of a point's newest reading.", "zone", "point")
	metricAlarms    = desc("alarms", "Alarms that are active or not acknowledged.", "state", "severity")
	metricCondition = desc("condition", "1 for every trouble the agent is in.", "code", "subject", "severity")
	metricRecords   = desc("store_records", "Records in the store.")
	metricBytes     = desc("store_bytes", "Bytes of the store.")
	metricMemory    = desc("store_in_memory", "Records that wait for the disk.")
	metricWaiting   = desc("upstream_waiting", "Records that an upstream has not taken.", "upstream")
	metricTaken     = desc("upstream_taken_total", "Records that an upstream took since the start.", "upstream")
	metricWire      = desc("upstream_bytes_total", "Bytes on an upstream's socket, both ways.", "upstream")
	metricRoutines  = desc("goroutines", "Goroutines of the agent.")
)

// Describe implements prometheus.Collector: the collector is unchecked, since which points and
// upstreams there are is known only at a scrape.
func (*metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	c := m.counts()
	counter(metricReadings, c.Readings)
	counter(metricFaults, c.Faults)
	counter(metricScans, c.Scans)
	counter(metricRaised, c.Raised)
	gauge(metricRoutines, float64(runtime.NumGoroutine()))
	ctx, cancel := context.WithTimeout(context.Background(), 2*statusWithin)
	defer cancel()
	s, err := m.status(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(metricRecords, err)
		return
	}
	for _, z := range s.Zones {
		for _, p := range z.Points {
			if p.V != nil {
				gauge(metricValue, p.V.Float64(), string(z.ID), string(p.Point), string(p.Quantity))
			}
			gauge(metricAge, float64(p.AgeS), string(z.ID), string(p.Point))
		}
	}
	alarms := map[[2]string]float64{}
	for _, a := range s.Alarms {
		alarms[[2]string{string(a.State), string(a.Severity)}]++
	}
	for k, n := range alarms {
		gauge(metricAlarms, n, k[0], k[1])
	}
	for _, a := range s.Conditions {
		gauge(metricCondition, 1, a.Code, a.Subject, string(a.Severity))
	}
	gauge(metricRecords, float64(s.Store.Records))
	gauge(metricBytes, float64(s.Store.Bytes))
	gauge(metricMemory, float64(s.Store.InMemory))
	for _, u := range s.Upstreams {
		gauge(metricWaiting, float64(u.Waiting), string(u.ID))
		counter(metricTaken, u.Taken, string(u.ID))
		counter(metricWire, u.Bytes, string(u.ID))
	}
}
