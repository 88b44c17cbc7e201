package forecast

// jumps are the sudden rises that a door brings: how high, and how often at each hour of a
// day on the caller's line.
type jumps struct {
	Size float32     `json:"s,omitempty"` // K, mean
	Rate [24]float32 `json:"r"`           // per hour
	Hour int64       `json:"h,omitempty"` // that goes on, since the line's zero
	N    int32       `json:"n,omitempty"` // in it
	Peak float32     `json:"p,omitempty"` // of the jump that goes on
	Left int32       `json:"l,omitempty"` // minutes in which it may still grow
}

// leap looks for a jump in the newest minute.
func (m *Model) leap(at int64) {
	j := &m.Jumps
	if h := at / hour; h != j.Hour {
		if j.Hour != 0 {
			r := &j.Rate[j.Hour%24]
			*r += 0.12 * (float32(min(j.N, 20)) - *r)
		}
		j.Hour, j.N = h, 0
	}
	back, least := 3, 0.4
	if m.set.Slow {
		back, least = 8, 0.4
	}
	n := len(m.Ring)
	if n <= back || m.Mode.Defrost {
		return
	}
	was, is := m.Ring[n-1-back], m.Ring[n-1]
	rise := float64(is.V - was.V)
	if !m.set.Slow {
		q := &m.Fit.M[members/2]
		a, k := q.law()
		rise -= max(0, a+k*(q.P-float64(was.V))) * float64(is.At-was.At) / 60e3
	}
	if j.Left > 0 {
		j.Peak = max(j.Peak, float32(rise))
		if j.Left--; j.Left == 0 {
			if j.Size == 0 {
				j.Size = j.Peak
			}
			j.Size += 0.05 * (j.Peak - j.Size)
			j.Peak = 0
		}
		return
	}
	if rise > max(least, 6*float64(m.Noise)) {
		j.Peak, j.Left = float32(rise), int32(back)
		j.N++
	}
}
