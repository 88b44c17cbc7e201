package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	Elapsed    float64
	ImportPath string // of build-output and build-fail
}

type testID struct{ pkg, test string }

// report gathers the events of one run. Progress goes to out as packages finish; the
// output of a test is shown only if it failed or never ended.
type report struct {
	out io.Writer

	output  map[testID][]string // of tests that have not passed; test "" is the package's own
	ended   map[testID]bool
	failed  map[testID]bool
	reasons map[string][]testID // why a test was skipped → which

	passed, failures, skipped int
	packages, broken          int // broken: packages that failed, or did not build
}

func newReport(out io.Writer) *report {
	return &report{
		out:     out,
		output:  map[testID][]string{},
		ended:   map[testID]bool{},
		failed:  map[testID]bool{},
		reasons: map[string][]testID{},
	}
}

// read takes the events of one `go test -json`. A line that is no event is shown as it is.
func (r *report) read(in io.Reader) error {
	return eachLine(in, func(line string) {
		var e event
		if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
			fmt.Fprintln(r.out, line)
			return
		}
		r.take(e)
	})
}

func (r *report) take(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[id] = append(r.output[id], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
			return
		}
		r.endTest(id, e.Action)
	}
}

func (r *report) endTest(id testID, how string) {
	r.ended[id] = true
	switch how {
	case "pass":
		r.passed++
		delete(r.output, id)
	case "fail":
		r.failures++
		r.failed[id] = true
	case "skip":
		r.skipped++
		why := skipReason(r.output[id])
		r.reasons[why] = append(r.reasons[why], id)
		delete(r.output, id)
	}
}

func (r *report) endPackage(e event) {
	own := testID{pkg: e.Package}
	switch {
	case e.Action == "skip": // no test files
	case e.Action == "pass":
		r.packages++
		fmt.Fprintf(r.out, "ok    %s  %.1f s\n", e.Package, e.Elapsed)
	default:
		r.packages++
		r.broken++
		r.showFailure(e.Package)
		fmt.Fprintf(r.out, "FAIL  %s  %.1f s\n", e.Package, e.Elapsed)
	}
	delete(r.output, own)
}

// showFailure prints what the failed and the unfinished tests of a package said, then
// what the package itself said (a panic, a timeout, the shuffle seed).
func (r *report) showFailure(pkg string) {
	var tests []testID
	for id := range r.output {
		if id.pkg == pkg && id.test != "" && (r.failed[id] || !r.ended[id]) {
			tests = append(tests, id)
		}
	}
	sort.Slice(tests, func(i, j int) bool { return tests[i].test < tests[j].test })
	for _, id := range tests {
		for _, line := range r.output[id] {
			fmt.Fprint(r.out, line)
		}
	}
	for _, line := range r.output[testID{pkg: pkg}] {
		fmt.Fprint(r.out, line)
	}
}

// finish prints the totals. Its last line names what was left out.
func (r *report) finish() {
	why := r.sortedReasons()
	for _, w := range why {
		fmt.Fprintf(r.out, "left out (%s):\n", w)
		for _, id := range r.reasons[w] {
			fmt.Fprintf(r.out, "      %s %s\n", id.pkg, id.test)
		}
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped; %d packages, %d of them failed\n",
		r.passed, r.failures, r.skipped, r.packages, r.broken)
	if len(why) == 0 {
		fmt.Fprintln(r.out, "left out: nothing")
		return
	}
	var parts []string
	for _, w := range why {
		parts = append(parts, fmt.Sprintf("%s: %s", w, count(len(r.reasons[w]), "test")))
	}
	fmt.Fprintln(r.out, "left out: "+strings.Join(parts, "; "))
}

// unexpected counts the skipped tests whose reason does not match permit; nil permits none.
func (r *report) unexpected(permit *regexp.Regexp) int {
	n := 0
	for why, tests := range r.reasons {
		if permit == nil || !permit.MatchString(why) {
			n += len(tests)
		}
	}
	return n
}

func (r *report) sortedReasons() []string {
	var why []string
	for w := range r.reasons {
		why = append(why, w)
	}
	sort.Strings(why)
	return why
}

// where is the "    file_test.go:12: " that the testing package puts before a message.
var where = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)

// skipReason is the last message of a skipped test: what it gave to t.Skip.
func skipReason(output []string) string {
	reason := ""
	for _, line := range strings.Split(strings.Join(output, ""), "\n") {
		if m := where.FindString(line); m != "" {
			reason = strings.TrimSpace(line[len(m):])
		}
	}
	if reason == "" {
		return "no reason given"
	}
	return reason
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
