package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

// known is what the agent tells config about its real drivers.
func known() config.Known { return daemon.Known() }

const configs = "../../configs/"

// -update is defined beside the tests inside the package.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// Sample and schema are those of the drivers as they are now.
func TestGeneratedFilesAreFresh(t *testing.T) {
	for file, want := range map[string][]byte{
		"frostline.yaml":        config.Sample(known()),
		"frostline.schema.json": config.Schema(known()),
	} {
		if updating() {
			if err := os.WriteFile(configs+file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(configs + file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("configs/%s is not fresh: run go test ./agent/config -update (%v)", file, err)
		}
	}
}

// Every config that is shipped loads, without a warning, and fits the schema.
func TestConfigsLoad(t *testing.T) {
	files, err := filepath.Glob(configs + "*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("configs are %v, %v", files, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema(known())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		c, err := config.Load(file, known())
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, w := range c.Warnings {
			t.Errorf("%v", w)
		}
		if err := schema.Validate(jsonOf(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func jsonOf(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
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

// No driver has a key that the config itself has: it would never arrive there.
func TestDriversLeaveSharedKeysAlone(t *testing.T) {
	for _, clash := range config.Clashes(known()) {
		t.Error(clash)
	}
}
