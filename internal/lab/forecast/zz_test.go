package main

import ("testing";"fmt";"math/rand/v2";"time";"os";"strconv";"encoding/json")

func TestZZ(t *testing.T) {
	seed,_ := strconv.ParseUint(os.Getenv("ZS"),10,64); room,_ := strconv.ParseUint(os.Getenv("ZR"),10,64)
	at,_ := strconv.ParseFloat(os.Getenv("ZH"),64)
	h := draw(rand.New(rand.NewPCG(seed, 2*room)))
	l := newLife(h, rand.New(rand.NewPCG(seed, 2*room+1)))
	j := newJudge(h, 0)
	fmt.Printf("%+v\n", h)
	end := time.Duration(at*float64(time.Hour))
	n := 0
	l.run(end+10*time.Minute, func(m *Moment){
		j.see(m)
		if m.Now > end-150*time.Minute {
			n++
			if n%int(max(1, 2*time.Minute/h.Every)) == 0 {
				f, ok := j.model.Forecast(value(h.Limit), 0)
				b,_ := json.Marshal(struct{H,U any}{j.model.Hours.Usual, j.model.High})
				fmt.Println(m.Now, m.Truth, m.Cause, ok, f.Breach, fmt.Sprintf("%.2f %.0f %.0f %.0f", f.Probability, f.Earliest.Minutes(), f.Median.Minutes(), f.Latest.Minutes()), j.watch.Raised, string(b), j.model.DBG())
			}
		}
	})
	b,_ := json.Marshal(j.model)
	fmt.Println(len(b), string(b))
}
