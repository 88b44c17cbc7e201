package store
import ("testing";"fmt";"time";"os";"strings";"context";"github.com/frostline/frostline/agent";"github.com/frostline/frostline/agent/clock";"runtime")
func rss() string { b,_ := os.ReadFile("/proc/self/status"); o:=""; for l := range strings.Lines(string(b)) { if strings.HasPrefix(l,"RssAnon")||strings.HasPrefix(l,"VmRSS") { o+=strings.TrimSpace(l)+" " } }; return o }
func TestX(t *testing.T){
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	r := start(t, o, c)
	b := time.Now()
	recs := readings(c.Now(), 100, 4_250_000)
	for i := range 100_000 {
		c.Advance(time.Second)
		at := c.Now()
		for j := range recs { recs[j].Reading.At = at }
		tk := r.Append(recs)
		if i%50==0 { r.Append([]agent.Record{alarm(at,"x")}) }
		if i%100==99 { wait(t, tk) }
	}
	r.put(alarm(c.Now(),"last"))
	fmt.Println("filled", time.Since(b), rss())
	st, err := r.Stat(context.Background())
	fmt.Println(st.Records, st.Bytes, st.WALBytes, err, float64(st.Bytes)/10e6)
	b = time.Now(); n, err := r.Waiting(context.Background(), Cursor{"hq","main"}); fmt.Println("waiting", n, err, time.Since(b))
	b = time.Now(); n, err = r.Waiting(context.Background(), Cursor{"hq","main"}); fmt.Println("waiting", n, err, time.Since(b))
	e := r.Head().Epoch
	b = time.Now()
	for i := range 1000 { r.After(context.Background(), agent.Position{Epoch: e, Seq: agent.Seq(i*9999+1)}, 1) }
	fmt.Println("after random", time.Since(b)/1000)
	b = time.Now()
	x,_ := r.After(context.Background(), agent.Position{Epoch: e, Seq: 5_000_000}, 10, agent.KindAlarms)
	fmt.Println("urgent", len(x), time.Since(b))
	b = time.Now()
	var buf []agent.Record; var p agent.Position; k:=0
	for { buf, _ = r.AppendAfter(context.Background(), buf[:0], p, 2000); if len(buf)==0 {break}; k+=len(buf); p = buf[len(buf)-1].Position }
	fmt.Println("drain", k, time.Since(b), float64(k)/time.Since(b).Seconds())
	runtime.GC()
	fmt.Println(rss())
	r.stop()
	b = time.Now()
	r = start(t, o, c)
	r.put(alarm(c.Now(),"again"))
	fmt.Println("reopen to durable", time.Since(b))
	r.stop()
	b = time.Now()
	rep, err := Check(context.Background(), o.Dir)
	fmt.Println(rep.OK, err, time.Since(b), rep.Problems)
}
