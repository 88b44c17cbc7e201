package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Any text is a config or a list of errors: never a panic, never both, never without end.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text, stubKnown())
		if err == nil {
			if c.Site == "" || c.Gateway == "" {
				t.Errorf("taken without site and gateway: %+v", c)
			}
			return
		}
		var list *Errors
		if c != nil || !errors.As(err, &list) || len(list.List) == 0 {
			t.Fatalf("got %v, %v", c, err)
		}
		for i, e := range list.List {
			if e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Errorf("error without place or message: %+v", e)
			}
			if i > 0 && e.File == list.List[i-1].File && e.Line < list.List[i-1].Line {
				t.Errorf("errors out of order: %v", err)
			}
		}
	})
}

// The items file is read just as strictly.
func FuzzItemsFile(f *testing.F) {
	for _, file := range []string{"testdata/items.csv", "testdata/stock.bad.csv", "testdata/column.bad.csv"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(string) ([]byte, error) { return text, nil }
		c, err := parse("x.yaml", []byte("site: s\ngateway: g\nzones: [{id: cold}]\nstock: {items_file: i.csv}\n"), stubKnown(), read)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v, %v", c, err)
		}
		if c == nil {
			return
		}
		for _, it := range c.Stock.Items {
			if it.ID == "" || it.Minimum < 0 || it.Pieces < 1 {
				t.Errorf("taken: %+v", it)
			}
		}
	})
}
