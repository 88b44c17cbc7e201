package rehearse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/rehearse"
)

func read(t testing.TB, text string) *rehearse.Recording {
	t.Helper()
	r, err := rehearse.Read(rehearse.Source{Name: "x.csv", Text: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows writes what the rows of a recording say, one a line.
func rows(t testing.TB, r *rehearse.Recording) string {
	t.Helper()
	b, err := r.Bind(nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for row, err := range b.Rows(time.Time{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		text := row.At.Wall.Format("15:04:05.000") + " " + row.At.Mono.String() + " "
		switch {
		case row.Trip != nil:
			continue // the whole is a trip
		case row.Scan != nil:
			text += string(row.Scan.Reader) + " saw " + row.Scan.Code
		case row.Reading.OK():
			text += string(row.Definition.Point) + " " + row.Reading.Value.String()
		default:
			text += string(row.Definition.Point) + " !" + row.Reading.Fault.String()
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestRead(t *testing.T) {
	r := read(t, "\uFEFFTime, Point ,Value,Fault\r\n"+
		"2026-03-01T00:00:00Z,a/temperature,4.5\r\n"+
		"\r\n"+
		"2026-03-01T08:01:00.2509+08:00, a/temperature , -0.00000049 ,\n"+
		"2026-03-01T00:02:00Z,b/door,1\n"+
		"2026-03-01T00:03:00Z,a/temperature,,crc\n"+
		"2026-03-01T00:04:00Z,a/temperature,\n"+
		"time,reader,code\n"+
		"2026-03-01T00:05:00Z,dock-in,\"(01)095,21\"\n")
	want := `00:00:00.000 1s a/temperature 4.5
00:01:00.250 1m1.25s a/temperature 0
00:02:00.000 2m1s b/door 1
00:03:00.000 3m1s a/temperature !crc
00:04:00.000 4m1s a/temperature !missed
00:05:00.000 5m1s dock-in saw (01)095,21`
	if got := rows(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.OutOfOrder != 0 || r.SameTime != 0 || r.Rows() != 6 {
		t.Errorf("out of order %d, same time %d, rows %d", r.OutOfOrder, r.SameTime, r.Rows())
	}
}

// TestOrder: rows out of order are put in order, rows of one time keep theirs, and both are counted.
func TestOrder(t *testing.T) {
	r := read(t, `time,point,value
2026-03-01T00:02:00Z,a/temperature,2
2026-03-01T00:00:00Z,a/temperature,0
2026-03-01T00:01:00Z,a/temperature,1
2026-03-01T00:03:00Z,a/temperature,3
2026-03-01T00:03:00Z,b/temperature,30
2026-03-01T00:03:00Z,a/temperature,3.5
`)
	want := `00:00:00.000 1s a/temperature 0
00:01:00.000 1m1s a/temperature 1
00:02:00.000 2m1s a/temperature 2
00:03:00.000 3m1s a/temperature 3
00:03:00.000 3m1s b/temperature 30
00:03:00.000 3m1s a/temperature 3.5`
	if got := rows(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.OutOfOrder != 2 || r.SameTime != 1 {
		t.Errorf("out of order %d, want 2; same time %d, want 1", r.OutOfOrder, r.SameTime)
	}
}

func TestEvery(t *testing.T) {
	r := read(t, `time,point,value
2026-03-01T00:00:00Z,a/temperature,1
2026-03-01T00:10:00Z,a/temperature,1
2026-03-01T00:20:00Z,a/temperature,,absent
2026-03-01T00:20:00Z,a/temperature,1
2026-03-01T05:00:00Z,a/temperature,1
2026-03-01T00:00:00Z,b/temperature,1
`)
	every := r.Every()
	if got := every["a/temperature"]; got != 10*time.Minute {
		t.Errorf("a every %v, want the median 10m", got)
	}
	if got := every["b/temperature"]; got != 0 {
		t.Errorf("b every %v, want 0 for a single row", got)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "x.csv: there is no row"},
		"header only":    {"time,point,value\n", "x.csv: there is no row"},
		"no header":      {"2026-03-01T00:00:00Z,a/temperature,1\n", `x.csv: line 1: "2026-03-01t00:00:00z,a/temperature,1" is no header: want a header, ` + "`time,point,value`"},
		"semicolons":     {"time;point;value\n", "put commas between the columns"},
		"second header":  {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,1\ntime,value\n", "x.csv: line 3: "},
		"time":           {"time,point,value\n\n01.03.2026,a/temperature,1\n", `x.csv: line 3: "01.03.2026" is not a time: write it like 2026-03-01T06:30:00+08:00`},
		"local time":     {"time,point,value\n2026-03-01T00:00:00,a/temperature,1\n", "x.csv: line 2: "},
		"point":          {"time,point,value\n2026-03-01T00:00:00Z,Kühlraum,1\n", `x.csv: line 2: "Kühlraum" is no point: write SENSOR/NAME`},
		"decimal comma":  {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,1,5\n", `x.csv: line 2: a value and the fault "5"`},
		"five fields":    {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,1,,\n", "x.csv: line 2: 5 fields"},
		"word":           {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,warm\n", `x.csv: line 2: "warm" is not a value: write a number like -18.5`},
		"no number":      {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,NaN\n", `x.csv: line 2: "NaN" is not a value`},
		"fault":          {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,,broken\n", `x.csv: line 2: "broken" is no fault: write one of absent, crc`},
		"numbered fault": {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,,fault-255\n", `x.csv: line 2: "fault-255" is no fault`},
		"both":           {"time,point,value,fault\n2026-03-01T00:00:00Z,a/temperature,1,crc\n", `x.csv: line 2: a value and the fault "crc"`},
		"reader":         {"time,reader,code\n2026-03-01T00:00:00Z,,1\n", `x.csv: line 2: "" is no reader`},
		"code":           {"time,reader,code\n2026-03-01T00:00:00Z,dock,\n", "x.csv: line 2: the code is missing"},
		"quote":          {"time,point,value\n2026-03-01T00:00:00Z,a/temperature,\"1\n", "x.csv: line 2: "},
		"several":        {"time,point,value\nx,a/temperature,1\ny,a/temperature,1\n", "x.csv: line 3: \"y\""},
		"many":           {"time,point,value\n" + strings.Repeat("x,y,z\n", 100), "and 1 more"},
	} {
		_, err := rehearse.Read(rehearse.Source{Name: "x.csv", Text: strings.NewReader(c.text)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

func TestBindSaysWhatIsWrong(t *testing.T) {
	defs := []agent.Definition{{Point: "a/temperature", Quantity: agent.Temperature}}
	for name, c := range map[string]struct{ text, want string }{
		"kelvin":  {"2026-03-01T00:00:00Z,a/temperature,-300\n", "x.csv: line 2: -300 cannot be a temperature: want -273.15 to 2000 °C; is it another unit?"},
		"century": {"2026-03-01T00:00:00Z,a/temperature,1\n1926-03-01T00:00:00Z,a/temperature,1\n", "from 1926-03-01T00:00:00Z (x.csv: line 3) to 2026-03-01T00:00:00Z (x.csv: line 2)"},
	} {
		_, err := read(t, "time,point,value\n"+c.text).Bind(defs)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

// FuzzRead: whatever the files, an error that says where, or rows in the order of time.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"time,point,value\n2026-03-01T00:00:00Z,a/temperature,1\n", "time,reader,code\n2026-03-01T00:00:00Z,dock,1\n",
		"time,point,value,fault\n2026-03-01T00:00:00Z,a/door,,crc\n2026-02-01T00:00:00Z,a/door,0\n",
		"time,point,value\n9999-12-31T23:59:59Z,a/b,1\n0000-01-01T00:00:00Z,a/b,1e3\n", "time,point,value\n\"", "\xef\xbb\xbftime",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rehearse.Read(rehearse.Source{Name: "x.csv", Text: strings.NewReader(text)})
		if err != nil {
			if !strings.Contains(err.Error(), "x.csv: ") {
				t.Errorf("%v: where?", err)
			}
			return
		}
		b, err := r.Bind(nil)
		if err != nil {
			return
		}
		n, last := 0, time.Duration(0)
		for row, err := range b.Rows(time.Time{}, time.Time{}) {
			if err != nil || row.At.Mono < last {
				t.Fatalf("row at %v after %v: %v", row.At.Mono, last, err)
			}
			last = row.At.Mono
			if row.Trip == nil {
				n++
			}
		}
		if n != r.Rows() {
			t.Errorf("%d rows of %d", n, r.Rows())
		}
	})
}
