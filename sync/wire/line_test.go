package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
)

// parsedLine is a line of the protocol, read back.
type parsedLine struct {
	measurement string
	tags        [][2]string
	fields      map[string]string // as written
	time        int64
}

// parseLine reads one line with its line end, strictly.
func parseLine(s string) (parsedLine, error) {
	p := parsedLine{fields: map[string]string{}}
	if !strings.HasSuffix(s, "\n") || len(s) < 2 {
		return p, errors.New("no line end")
	}
	s = s[:len(s)-1]
	take := func(stops string) (string, error) {
		var out strings.Builder
		quoted := false
		for len(s) > 0 {
			c := s[0]
			switch {
			case c == '\\' && len(s) > 1 && (quoted && (s[1] == '"' || s[1] == '\\') || !quoted && strings.IndexByte(", =", s[1]) >= 0):
				out.WriteString(s[:2])
				s = s[2:]
				continue
			case c == '"' && strings.Contains(stops, `"`):
				quoted = !quoted
			case c == '\n' && !quoted:
				return "", errors.New("newline outside a string")
			case !quoted && strings.IndexByte(strings.Trim(stops, `"`), c) >= 0:
				return out.String(), nil
			}
			out.WriteByte(c)
			s = s[1:]
		}
		if quoted {
			return "", errors.New("string without end")
		}
		return out.String(), nil
	}
	var err error
	if p.measurement, err = take(", "); err != nil || p.measurement == "" {
		return p, fmt.Errorf("measurement: %v", err)
	}
	before := ""
	for len(s) > 0 && s[0] == ',' {
		s = s[1:]
		key, err := take("= ,")
		if err != nil || len(s) == 0 || s[0] != '=' {
			return p, fmt.Errorf("tag key %q: %v", key, err)
		}
		s = s[1:]
		value, err := take(", =")
		if err != nil || value == "" || strings.HasSuffix(value, `\`) {
			return p, fmt.Errorf("tag %s=%q: %v", key, value, err)
		}
		if key <= before {
			return p, fmt.Errorf("tag %s after %s", key, before)
		}
		before = key
		p.tags = append(p.tags, [2]string{key, value})
	}
	for sep := byte(' '); len(s) > 0 && s[0] == sep; sep = ',' {
		s = s[1:]
		key, err := take("= ,")
		if err != nil || len(s) == 0 || s[0] != '=' {
			return p, fmt.Errorf("field key %q: %v", key, err)
		}
		s = s[1:]
		value, err := take(`, "`)
		if err != nil || fieldType(value) == "" {
			return p, fmt.Errorf("field %s=%q: %v", key, value, err)
		}
		if _, ok := p.fields[key]; ok {
			return p, fmt.Errorf("field %s twice", key)
		}
		p.fields[key] = value
	}
	if len(s) == 0 || s[0] != ' ' || len(p.fields) == 0 {
		return p, fmt.Errorf("no fields or no time: %q", s)
	}
	p.time, err = strconv.ParseInt(s[1:], 10, 64)
	return p, err
}

func fieldType(v string) string {
	switch {
	case strings.HasPrefix(v, `"`) && strings.HasSuffix(v, `"`) && len(v) > 1:
		return "string"
	case v == "true" || v == "false":
		return "boolean"
	case strings.HasSuffix(v, "i"):
		if _, err := strconv.ParseInt(v[:len(v)-1], 10, 64); err == nil {
			return "integer"
		}
	default:
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			return "float"
		}
	}
	return ""
}

func TestEveryFieldHasOneTypeForEver(t *testing.T) {
	want := map[string]string{
		"value": "float", "raw": "float", "limit": "float",
		"seq": "integer", "antenna": "integer", "rssi": "integer", "source_at": "integer", "began": "integer", "balance": "integer",
		"mono": "integer", "after": "integer", "before": "integer", "stock.quantity": "integer", "uid": "integer", "for_s": "integer",
		"late": "boolean",
	}
	seen := map[string]bool{}
	for _, text := range strings.SplitAfter(string(goldenFile(t, "testdata/lines.txt"))+"\n", "\n") {
		if text == "" {
			continue
		}
		p, err := parseLine(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for field, v := range p.fields {
			typ, ok := want[p.measurement+"."+field]
			if !ok {
				if typ, ok = want[field]; !ok {
					typ = "string"
				}
			}
			if got := fieldType(v); got != typ {
				t.Errorf("%s.%s is %s, want %s", p.measurement, field, got, typ)
			}
			seen[p.measurement] = true
		}
	}
	for _, m := range []string{MeasurementAlarms, MeasurementEvents, MeasurementFaults, MeasurementScans, MeasurementStock, MeasurementUndated, "temperature"} {
		if !seen[m] {
			t.Errorf("no golden line of measurement %s", m)
		}
	}
}

func TestNoQuantityIsAMeasurementOfItsOwnKind(t *testing.T) {
	for _, q := range agent.Quantities() {
		switch string(q) {
		case MeasurementAlarms, MeasurementEvents, MeasurementFaults, MeasurementScans, MeasurementStock, MeasurementUndated:
			t.Errorf("quantity %s is a measurement already", q)
		}
	}
}

func TestOddTextsAreEscaped(t *testing.T) {
	r := at(7, agent.OfEvent(agent.Event{At: synced(0), Kind: agent.EventStock, Stock: &agent.Movement{
		Item: "a b,c=d\ne\\", Direction: agent.DirectionIn, Code: "x\"y\\z\xff", Comment: "line\nbreak",
	}}))
	got, err := AppendLine(nil, testGateway, &r, defMap{})
	if err != nil {
		t.Fatal(err)
	}
	want := `stock,gateway=gw-01,item=a\ b\,c\=d\ne,site=s1 direction="in",quantity=0i,balance=0i,code="x\"y\\z` + "\ufffd" + `",code_hex="7822795c7aff",comment="line` + "\n" + `break",seq=7i,epoch="3f9c1d2e4b5a6978" 1763751600000000007` + "\n"
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if _, err := parseLine(string(got)); err != nil {
		t.Error(err)
	}
}

func TestLineTimesOfOneMillisecondDiffer(t *testing.T) {
	for _, c := range []struct {
		ms   int64
		seq  agent.Seq
		want int64
	}{
		{1763751600000, 101, 1763751600000000101},
		{1763751600000, 1_000_101, 1763751600000000101},
		{1763751600000, 999_999, 1763751600000999999},
		{-1, 5, -999_995},
	} {
		if got := LineTime(c.ms, c.seq); got != c.want {
			t.Errorf("LineTime(%d, %d) = %d, want %d", c.ms, c.seq, got, c.want)
		}
	}
}
