package rehearse

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Source is a CSV file and what to call it in errors.
type Source struct {
	Name string
	Text io.Reader
}

// Read reads CSV files into one recording. A header says what the rows below it are:
// `time,point,value` with an optional fourth column `fault` for readings, `time,reader,code`
// for scans; another header may follow. Times are those of RFC 3339, cut to milliseconds. A
// reading without a value is one that failed, for the reason in its fourth column.
//
// The error joins what is wrong, each with file and line; it lists at most maxErrors.
func Read(sources ...Source) (*Recording, error) {
	r := &Recording{byPoint: map[agent.PointID]int32{}, byRead: map[agent.ReaderID]int32{}}
	var errs []error
	for _, s := range sources {
		r.files = append(r.files, s.Name)
		p := parser{r: r, file: int16(len(r.files) - 1), name: s.Name}
		p.read(s.Text)
		errs = append(errs, p.errs...)
	}
	if len(errs) > maxErrors {
		errs = append(errs[:maxErrors], fmt.Errorf("and %d more", len(errs)-maxErrors))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(r.entries) == 0 {
		return nil, fmt.Errorf("%s: %w", names(sources), errEmpty)
	}
	r.sort()
	return r, nil
}

// maxErrors is how many errors are listed: who has corrected these sees the rest.
const maxErrors = 20

// MaxFiles is how many files a recording has at most.
const MaxFiles = math.MaxInt16

var (
	errEmpty  = errors.New("there is no row: write a header, `time,point,value` or `time,reader,code`, and rows below it")
	errHeader = errors.New("want a header, `time,point,value`, `time,point,value,fault` or `time,reader,code`")
)

func names(sources []Source) string {
	all := make([]string, len(sources))
	for i, s := range sources {
		all[i] = s.Name
	}
	return strings.Join(all, ", ")
}

// parser reads one file.
type parser struct {
	r    *Recording
	file int16
	name string
	errs []error
	of   kind // of the rows under way
	// newest is the latest time below the present header; any is false before the first row.
	newest int64
	any    bool
}

// kind is what the rows below a header are.
type kind int

const (
	readings kind = iota + 1
	scans
)

func (p *parser) fail(line int, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: line %d: %w", p.name, line, fmt.Errorf(format, args...)))
}

func (p *parser) read(in io.Reader) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" { // spreadsheets write one
		_, _ = buffered.Discard(3) // it has just been seen
	}
	c := csv.NewReader(buffered)
	c.ReuseRecord, c.TrimLeadingSpace, c.FieldsPerRecord = true, true, -1
	for {
		row, err := c.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &broken):
			p.fail(broken.Line, "%w", broken.Err)
			return
		case err != nil:
			p.errs = append(p.errs, fmt.Errorf("%s: %w", p.name, err))
			return
		}
		line, _ := c.FieldPos(0)
		for i := range row {
			row[i] = strings.TrimRight(row[i], " \t")
		}
		switch {
		case p.of == 0 || strings.EqualFold(row[0], "time"):
			if !p.header(row, line) {
				return
			}
		case line > math.MaxInt32:
			p.fail(line, "a file has at most %d lines", math.MaxInt32)
			return
		default:
			p.row(row, line)
		}
		if len(p.errs) > maxErrors {
			return
		}
	}
}

func (p *parser) header(row []string, line int) bool {
	p.any = false
	switch columns := strings.ToLower(strings.Join(row, ",")); columns {
	case "time,point,value", "time,point,value,fault":
		p.of = readings
	case "time,reader,code":
		p.of = scans
	default:
		if runes := []rune(columns); len(runes) > 60 {
			columns = string(runes[:60]) + "…"
		}
		hint := ""
		if strings.Contains(columns, ";") {
			hint = "; put commas between the columns"
		}
		p.fail(line, "%q is no header: %w%s", columns, errHeader, hint)
		return false
	}
	return true
}

func (p *parser) row(row []string, line int) {
	switch n := len(row); {
	case p.of == scans && n != 3:
		p.fail(line, "%d fields, not the three of time,reader,code; put a code that has commas in quotes", n)
		return
	case p.of == readings && n != 3 && n != 4:
		p.fail(line, "%d fields, not the three of time,point,value or the four with fault; write decimals with a point", n)
		return
	}
	at, err := time.Parse(time.RFC3339, row[0])
	if err != nil {
		p.fail(line, "%q is not a time: write it like 2026-03-01T06:30:00+08:00", row[0])
		return
	}
	e := entry{at: at.UnixMilli(), line: int32(line), file: p.file}
	if p.of == scans {
		p.scan(e, row[1], row[2])
		return
	}
	p.reading(e, row)
}

func (p *parser) scan(e entry, reader, code string) {
	if agent.CheckID(reader) != nil {
		p.fail(int(e.line), "%q is no reader: write its id in the config, such as dock-in", reader)
		return
	}
	if code == "" {
		p.fail(int(e.line), "the code is missing")
		return
	}
	n, known := p.r.byRead[agent.ReaderID(reader)]
	if !known {
		reader = strings.Clone(reader)
		n = int32(len(p.r.readers))
		p.r.readers = append(p.r.readers, agent.ReaderID(reader))
		p.r.byRead[agent.ReaderID(reader)] = n
	}
	e.of, e.fault, e.value = n, isScan, agent.Value(len(p.r.codes))
	p.r.codes = append(p.r.codes, strings.Clone(code))
	p.take(e)
}

func (p *parser) take(e entry) {
	if p.any && e.at < p.newest {
		p.r.OutOfOrder++
	} else {
		p.newest, p.any = e.at, true
	}
	p.r.entries = append(p.r.entries, e)
}

func (p *parser) reading(e entry, row []string) {
	n, known := p.r.byPoint[agent.PointID(row[1])]
	if !known {
		sensor, name, ok := strings.Cut(row[1], "/")
		if !ok || agent.CheckID(sensor) != nil || agent.CheckID(name) != nil {
			p.fail(int(e.line), "%q is no point: write SENSOR/NAME in small letters, such as probe/temperature", row[1])
			return
		}
		id := agent.PointID(strings.Clone(row[1]))
		n = int32(len(p.r.points))
		p.r.points = append(p.r.points, id)
		p.r.byPoint[id] = n
	}
	e.of = n
	fault := ""
	if len(row) == 4 {
		fault = row[3]
	}
	switch {
	case row[2] == "" && fault == "":
		e.fault = agent.FaultMissed
	case row[2] == "":
		f, err := agent.ParseFault(fault)
		if err != nil || strings.HasPrefix(fault, "fault-") {
			p.fail(int(e.line), "%q is no fault: write one of %s", fault, strings.Join(faults(), ", "))
			return
		}
		e.fault = f
	case fault != "":
		p.fail(int(e.line), "a value and the fault %q: a reading that failed has no value", fault)
		return
	default:
		v, err := decimal(row[2])
		if err != nil {
			p.fail(int(e.line), "%q is not a value: write a number like -18.5", row[2])
			return
		}
		e.value = v
	}
	p.take(e)
}

// decimal reads a number, rounded to millionths: other instruments write more digits.
func decimal(text string) (agent.Value, error) {
	if v, err := agent.ParseValue(text); err == nil {
		return v, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	return agent.ValueOf(f)
}

// faults lists the words of the faults.
func faults() []string {
	var words []string
	for f := agent.FaultNone + 1; ; f++ {
		if strings.HasPrefix(f.String(), "fault-") {
			return words
		}
		words = append(words, f.String())
	}
}
