package all_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/announce/all"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

// TestDocumented: every output has its section in docs/outputs.md, with a config that loads, and
// between them the sections use every driver in its own section only.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		head, body, _ := strings.Cut(s, "\n")
		if name, ok := strings.CutPrefix(head, "`driver: "); ok {
			sections[strings.TrimSuffix(name, "`")] = body
		}
	}
	for _, d := range all.Outputs() {
		body, ok := sections[d.Name]
		if !ok {
			t.Errorf("docs/outputs.md has no section for %s", d.Name)
			continue
		}
		delete(sections, d.Name)
		blocks := fence.FindAllStringSubmatch(body, -1)
		if len(blocks) != 1 {
			t.Errorf("%s has %d configs", d.Name, len(blocks))
			continue
		}
		file := filepath.Join(t.TempDir(), "frostline.yaml")
		if err := os.WriteFile(file, []byte("site: s1\ngateway: gw-01\n"+blocks[0][1]), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file, daemon.Known())
		var list *config.Errors
		if errors.As(err, &list) || err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		for _, o := range c.Outputs {
			if o.Driver != d.Name {
				t.Errorf("the section on %s has an output %s", d.Name, o.Driver)
			}
		}
	}
	for name := range sections {
		t.Errorf("docs/outputs.md has a section for %s, which does not exist", name)
	}
}
