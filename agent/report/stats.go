package report

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
)

// stats are the figures of one point, or of several of one quantity.
type stats struct {
	n, faults, doubtful int64
	min, max            Extreme
	covered             alarm.Line
	sum                 float64 // of value times seconds
	kinetic             climate.Mean
}

// add counts a value.
func (s *stats) add(r *agent.Reading) {
	if s.n == 0 || r.Value < s.min.V {
		s.min = Extreme{V: r.Value, T: wall(r.At), Marks: r.Marks.Words()}
	}
	if s.n == 0 || r.Value > s.max.V {
		s.max = Extreme{V: r.Value, T: wall(r.At), Marks: r.Marks.Words()}
	}
	s.n++
	if r.Marks != 0 {
		s.doubtful++
	}
}

// hold adds the time for which a value held.
func (s *stats) hold(v agent.Value, d alarm.Line) {
	s.covered += d
	s.sum += v.Float64() * seconds(d)
	_ = s.kinetic.Add(v, d.Duration()) // refuses what is no temperature, whose kinetic mean nobody asks for
}

// merge adds the figures of a point.
func (s *stats) merge(o *stats, point agent.PointID) {
	if o.n > 0 {
		if s.n == 0 || o.min.V < s.min.V || o.min.V == s.min.V && o.min.T.Before(s.min.T) {
			s.min = o.min
			s.min.Point = point
		}
		if s.n == 0 || o.max.V > s.max.V || o.max.V == s.max.V && o.max.T.Before(s.max.T) {
			s.max = o.max
			s.max.Point = point
		}
	}
	s.n += o.n
	s.faults += o.faults
	s.doubtful += o.doubtful
	s.covered += o.covered
	s.sum += o.sum
	_ = s.kinetic.Merge(o.kinetic) // of one report, so of one energy
}

// summary puts the figures into words; span is the time in which there could have been values.
func (s *stats) summary(q agent.Quantity, span time.Duration) Summary {
	out := Summary{N: s.n, Faults: s.faults, Doubtful: s.doubtful, CoveredS: seconds(s.covered)}
	if s.n > 0 {
		lo, hi := s.min, s.max
		out.Min, out.Max = &lo, &hi
	}
	if whole := max(span, s.covered.Duration()); whole > 0 {
		out.Coverage = float64(s.covered.Duration()) / float64(whole)
	}
	if s.covered > 0 && q.Kind() != agent.Counter {
		out.Mean = value(s.sum / seconds(s.covered))
	}
	if k, ok := s.kinetic.Kinetic(); ok && q == agent.Temperature {
		out.MKT = value(k)
	}
	return out
}

// value is a mean as a value, nil where it is none.
func value(f float64) *agent.Value {
	v, err := agent.ValueOf(f)
	if err != nil {
		return nil
	}
	return &v
}

func seconds(l alarm.Line) float64 { return float64(l) / 1000 }
