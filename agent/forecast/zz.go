package forecast

import "fmt"

func (m *Model) DBG() string {
	t, _ := m.now()
	s := fmt.Sprintf("lvl %.2f slope %.4f±%.4f age %.0f noise %.3f mode %v", t.level, t.slope, t.err, float64(m.Ring[len(m.Ring)-1].At-m.Regime)/60e3, m.Noise, m.Mode)
	for j := range m.Fit.M {
		a, k := m.Fit.M[j].law()
		s += fmt.Sprintf(" [%.3f %.3f P%.2f s%.1f]", a, k, m.Fit.M[j].P, m.Fit.M[j].Score)
	}
	return s
}
