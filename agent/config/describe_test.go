package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestSampleLoads(t *testing.T) {
	text := Sample(stubKnown())
	c, err := Parse("sample.yaml", text, stubKnown())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	for _, key := range []string{"#commit_within: 1s", "site: my-site", "#  driver: gpio   # measures door", "    #address: 0x44", "    above: 8.0"} {
		if !bytes.Contains(text, []byte(key)) {
			t.Errorf("the sample has no line %q\n%s", key, text)
		}
	}
}

// With every "#key" set, the sample still loads: what it shows as a default or an example is valid.
func TestSampleKeysAreValid(t *testing.T) {
	text := string(Sample(stubKnown()))
	for set := regexp.MustCompile(`(?m)^( *)#(  |\S)`); set.MatchString(text); {
		text = set.ReplaceAllString(text, "$1$2")
	}
	known := stubKnown()
	_, err := parse("sample.yaml", []byte(text), known, func(file string) ([]byte, error) {
		if filepath.Ext(file) == ".csv" {
			return []byte("id\n"), nil
		}
		return nil, os.ErrNotExist
	})
	if err == nil {
		return
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		// What is shown for its form only, and refers to what the sample does not have.
		if !strings.Contains(line, "there is no ") && !strings.Contains(line, "selects by") && !strings.Contains(line, "unknown key") && !strings.Contains(line, "want one of above") && !strings.Contains(line, "want one of code") {
			t.Errorf("%s", line)
		}
	}
}

func compiled(t *testing.T, k Known) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(k)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The schema takes what Load takes, and refuses what is wrong in the form of a file.
func TestSchemaAgreesWithLoad(t *testing.T) {
	schema := compiled(t, stubKnown())
	good, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range good {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := schema.Validate(asJSON(t, Sample(stubKnown()))); err != nil {
		t.Errorf("the sample: %v", err)
	}
	for name, text := range map[string]string{
		"unknown key":         "site: s\ngateway: g\nsight: x\n",
		"missing key":         "site: s\n",
		"no unit":             "site: s\ngateway: g\nstore: {commit_within: 1}\n",
		"no such driver":      "site: s\ngateway: g\nsensors: [{id: a, driver: none}]\n",
		"another driver's":    "site: s\ngateway: g\nsensors: [{id: a, driver: sht4x, pin: GPIO1}]\n",
		"driver's missing":    "site: s\ngateway: g\nsensors: [{id: a, driver: gpio}]\n",
		"no such word":        "site: s\ngateway: g\nlog: {level: loud}\n",
		"number out of range": "site: s\ngateway: g\nsensors: [{id: a, driver: sht4x, address: 70000}]\n",
		"another kind's":      "site: s\ngateway: g\nalarms: [{id: a, quantity: temperature, after: 5m}]\n",
		"no id":               "site: S 1\ngateway: g\n",
	} {
		if err := schema.Validate(asJSON(t, []byte(text))); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := Parse("x", []byte(text), stubKnown()); err == nil {
			t.Errorf("%s: taken by Parse", name)
		}
	}
}
