package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/configs"
)

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// Every NAME.bad.yaml has exactly the errors in NAME.bad.txt, each with line and column.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(filepath.Base(file), text, kinds())
		var bad *config.Errors
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want *config.Errors", file, err)
			continue
		}
		for _, one := range bad.List {
			if one.Line < 1 || one.Column < 1 {
				t.Errorf("%s: %v has no place", file, one)
			}
		}
		golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
	}
}

// A profile is what its bytes say: reading it changes nothing that another sees.
func TestProfilesAreFresh(t *testing.T) {
	a, err := builtIn().Profile("vaccine-2-8")
	if err != nil {
		t.Fatal(err)
	}
	b, err := builtIn().Profile("vaccine-2-8")
	if err != nil {
		t.Fatal(err)
	}
	if a.Limits[0].Settings == b.Limits[0].Settings {
		t.Error("two readers share settings")
	}
}

// Whatever the bytes: an answer, and no panic. A profile that is taken has a source for
// every number, and is taken again.
func FuzzParse(f *testing.F) {
	for _, id := range []string{"vaccine-2-8", "usp-crt", "gsp-vehicle", "food-code-cooling"} {
		text, err := fs.ReadFile(configs.Profiles(), id+".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("x/fuzz.yaml", text, kinds())
		if err != nil {
			return
		}
		for i := range p.Limits {
			written(&p.Limits[i])
		}
		if len(p.Limits) == 0 || len(p.Sources) == 0 || p.ID != "fuzz" {
			t.Errorf("taken: %+v", p)
		}
		demanded(&p.Demands)
	})
}
