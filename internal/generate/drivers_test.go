package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFresh fails where `make generate` would change a list.
func TestFresh(t *testing.T) {
	lists, err := filepath.Glob("../../*/all")
	more, moreErr := filepath.Glob("../../*/*/all")
	lists = append(lists, more...)
	err = errors.Join(err, moreErr)
	if err != nil || len(lists) == 0 {
		t.Fatalf("no lists: %v, %v", lists, err)
	}
	for _, dir := range lists {
		want, err := drivers(dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, driversFile))
		if err != nil {
			t.Errorf("%v; run make generate", err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s/%s is stale, run make generate; want\n%s", dir, driversFile, want)
		}
	}
}

func TestDrivers(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                 "module example.com/m\n",
		"edges/b/b.go":           "package b\nvar Driver = sensors.Define(\"b\", 1)\nvar hidden = sensors.Define(\"h\", 1)\n",
		"edges/b/b_test.go":      "package b\nvar Test = sensors.Define(\"t\", 1)\n",
		"edges/a/a.go":           "package a\nvar (\nTag = sensors.DefineScanner[C](\"a\", 1)\nOther = strings.Repeat(\"x\", 2)\n)\n",
		"edges/upstream/defs.go": "package upstream\nfunc Define() {}\n",
		"edges/all/doc.go":       "package all\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := drivers(filepath.Join(root, "edges/all"))
	if err != nil {
		t.Fatal(err)
	}
	want := `package all

import (
	"example.com/m/edges/a"
	"example.com/m/edges/b"
	"example.com/m/sensors"
)

// Sensors lists every sensor driver, by name.
func Sensors() []sensors.Driver {
	return []sensors.Driver{
		b.Driver,
	}
}

// Scanners lists every scanner driver, by name.
func Scanners() []sensors.ScannerDriver {
	return []sensors.ScannerDriver{
		a.Tag,
	}
}
`
	if _, text, _ := strings.Cut(string(got), "\n\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if _, err := drivers(filepath.Join(root, "edges")); err == nil {
		t.Error("a folder without drivers gives a list")
	}
	if run(nil) == nil || run([]string{"thoughts"}) == nil {
		t.Error("a wrong use is accepted")
	}
}
