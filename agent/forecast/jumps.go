package forecast

import "math"

// jumps are the sudden rises that a door brings: how high they are, and how many there are
// at each hour of a day on the caller's line. They need no contact at the door.
type jumps struct {
	Size float32     `json:"s,omitempty"` // K, mean
	Rate [24]float32 `json:"r"`           // per hour
	Hour int64       `json:"h,omitempty"` // that goes on, since the line began
	N    int32       `json:"n,omitempty"` // in it
	Peak float32     `json:"p,omitempty"` // of the jump that goes on
	Left int32       `json:"l,omitempty"` // minutes in which it may still grow
}

// jumpLasts is how many times greater than the distance to a limit a jump must be to stay
// beyond it for some minutes. Sizes are taken to be exponentially distributed.
const jumpLasts = 1.1

// leap looks for a jump in the newest minutes.
func (m *Model) leap(at int64) {
	s, j := &m.s, &m.s.Jumps
	j.turn(at / hour)
	back, least := 3, 0.4
	if m.set.Slow {
		back = 8
	}
	n := len(s.Ring)
	if n <= back || s.Mode.Defrost {
		return
	}
	was, is := s.Ring[n-1-back], s.Ring[n-1]
	rise := float64(is.V - was.V)
	if !m.set.Slow { // how far it would have come without a door
		q := &s.Fit.M[members/2]
		a, k := q.law()
		rise -= max(0, a+k*(q.P-float64(was.V))) * float64(is.At-was.At) / binLen
	}
	switch {
	case j.Left > 0:
		j.grow(float32(rise))
	case rise > max(least, 6*float64(s.Noise)):
		j.Peak, j.Left = float32(rise), int32(back)
		j.N++
	}
}

// turn closes the hour when another begins.
func (j *jumps) turn(h int64) {
	if h == j.Hour {
		return
	}
	if j.Hour != 0 {
		r := &j.Rate[j.Hour%24]
		*r = milli(float64(*r) + 0.12*(float64(min(j.N, 20))-float64(*r)))
	}
	j.Hour, j.N = h, 0
}

func (j *jumps) grow(rise float32) {
	j.Peak = max(j.Peak, rise)
	if j.Left--; j.Left > 0 {
		return
	}
	if j.Size == 0 {
		j.Size = j.Peak
	}
	j.Size += 0.05 * (j.Peak - j.Size)
	j.Peak = 0
}

// passes is the probability that within minutes from at on a jump goes over a distance in K.
func (j *jumps) passes(at int64, minutes, distance float64) float64 {
	if j.Size <= 0 {
		return 0
	}
	return min(1, float64(j.Rate[at/hour%24])/60*minutes) * math.Exp(-jumpLasts*distance/float64(j.Size))
}
