package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Usage is what the operating system says that a process has used so far.
type Usage struct {
	CPU     time.Duration // user and system, of all threads; in steps of 10 ms
	Written int64         // bytes it had the kernel write to disks: write_bytes of /proc/PID/io
	Anon    int64         // resident memory that no file stands behind, bytes
	RSS     int64         // all resident memory, bytes
}

// ErrProc is what Usage wraps where /proc does not say what it should.
var ErrProc = errors.New("not in the form of Linux' /proc")

// Usage asks /proc, which Linux alone has.
func (a *Agent) Usage() (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(a.PID()))
	var u Usage
	for _, part := range []struct {
		file  string
		parse func([]byte, *Usage) error
	}{{"stat", parseStat}, {"io", parseIO}, {"status", parseStatus}} {
		path := filepath.Join(dir, part.file)
		text, err := os.ReadFile(path)
		if err == nil {
			err = part.parse(text, &u)
		}
		if err != nil {
			return u, fmt.Errorf("lab: %s: %w", path, err)
		}
	}
	return u, nil
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that
// the agent runs on (proc(5), times(7)).
const tick = 10 * time.Millisecond

// parseStat reads utime and stime, the 14th and 15th field. The second is the program's
// name in parentheses, which may hold spaces and parentheses itself.
func parseStat(text []byte, u *Usage) error {
	end := bytes.LastIndexByte(text, ')')
	fields := bytes.Fields(text[end+1:])
	const utime, stime = 14 - 3, 15 - 3
	if end < 0 || len(fields) <= stime {
		return ErrProc
	}
	for _, f := range [][]byte{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrProc, err)
		}
		u.CPU += time.Duration(n) * tick
	}
	return nil
}

func parseIO(text []byte, u *Usage) (err error) {
	u.Written, err = field(text, "write_bytes:", 1)
	return err
}

func parseStatus(text []byte, u *Usage) (err error) {
	if u.Anon, err = field(text, "RssAnon:", 1024); err != nil {
		return err
	}
	u.RSS, err = field(text, "VmRSS:", 1024)
	return err
}

// field is the number after name at the beginning of a line, times unit.
func field(text []byte, name string, unit int64) (int64, error) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if !ok {
			continue
		}
		words := bytes.Fields(rest)
		if len(words) == 0 {
			break
		}
		n, err := strconv.ParseInt(string(words[0]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: %s %w", ErrProc, name, err)
		}
		return n * unit, nil
	}
	return 0, fmt.Errorf("%w: no %s", ErrProc, name)
}
