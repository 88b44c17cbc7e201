package forecast

import "math"

// trend is a straight line: its level at the newest minute, its slope in K/min and the
// slope's standard error, and the middle of the values it was made of.
type trend struct {
	level, slope, err float64
	middle            float64 // °C
	half              float64 // minutes from the middle to the newest
}

// trend is the course of late: the line through the newest half of the present regime, at
// least eight minutes and at most two hours. What a switch set off fades with the time since,
// so the newest half is nearly straight whatever the zone.
func (m *Model) trend() (trend, bool) {
	s := &m.s
	end := s.Ring[len(s.Ring)-1].At
	age := float64(end-s.Regime) / binLen
	span := min(max(0.5*age, min(age, 8)), 120)
	from := end - int64(span*binLen)
	n := len(s.Coarse)
	if span <= ringLen || n < 4 || s.Coarse[n-4].At < s.Regime {
		return line(s.Ring, from, end, float64(s.Noise))
	}
	t, ok := line(s.Coarse, from, end, float64(s.Noise)/3)
	if recent, fine := line(s.Ring, end-20*binLen, end, float64(s.Noise)); fine {
		t.level = recent.level
	}
	return t, ok
}

// line fits the part of a ring since from, at least four of it, by least squares. The noise
// is what the values deviate by at least.
func line(ring []minute, from, end int64, noise float64) (trend, bool) {
	first := len(ring)
	for first > 0 && (ring[first-1].At >= from || len(ring)-first < 4) {
		first--
	}
	part := ring[first:]
	if len(part) < 4 {
		return trend{}, false
	}
	var sx, sy, sxx, sxy float64
	for _, p := range part {
		x, y := float64(p.At-end)/binLen, float64(p.V)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	k := float64(len(part))
	det := sxx - sx*sx/k
	if det <= 0 {
		return trend{}, false
	}
	t := trend{middle: sy / k, half: -sx / k}
	t.slope = (sxy - sx*sy/k) / det
	t.level = t.middle - t.slope*sx/k
	var rest float64
	for _, p := range part {
		e := float64(p.V) - t.level - t.slope*float64(p.At-end)/binLen
		rest += e * e
	}
	t.err = math.Sqrt(max(noise*noise, rest/(k-2)) / det)
	return t, true
}
