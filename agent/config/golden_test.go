package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "time/tzdata" // the zones of the test files, wherever it runs
)

var update = flag.Bool("update", false, "rewrite the expected messages")

// Every NAME.bad.yaml has exactly the errors in NAME.bad.txt.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, stubKnown())
			var list *Errors
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want *Errors", err)
			}
			got := strings.ReplaceAll(err.Error(), "testdata/", "") + "\n"
			wantFile := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(wantFile, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("errors are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Every NAME.good.yaml loads.
func TestGoodFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no good files: %v", err)
	}
	for _, file := range files {
		if _, err := Load(file, stubKnown()); err != nil {
			t.Errorf("%v", err)
		}
	}
}
