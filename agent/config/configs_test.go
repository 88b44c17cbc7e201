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

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	alarmall "github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/barcode"
	"github.com/frostline/frostline/sensors/bmxx80"
	"github.com/frostline/frostline/sensors/digital"
	"github.com/frostline/frostline/sensors/ds18b20"
	"github.com/frostline/frostline/sensors/emulated"
	"github.com/frostline/frostline/sensors/mfrc522"
	"github.com/frostline/frostline/sensors/sht4x"
	"github.com/frostline/frostline/sensors/synthetic"
	"github.com/frostline/frostline/sync/mqtt"
)

// known is what the agent tells config about its real drivers.
func known() config.Known {
	k := config.Known{
		Sensors: map[string]config.Device{}, Scanners: map[string]config.Device{},
		Upstreams: map[string]func() any{"mqtt": mqtt.Driver.Config, "influx": func() any {
			return &struct {
				URL    string `yaml:"url"`
				Org    string `yaml:"org"`
				Bucket string `yaml:"bucket"`
				Token  string `yaml:"token"`
			}{}
		}}, Outputs: map[string]func() any{"log": func() any { return &struct{}{} }, "webhook": func() any {
			return &struct {
				URL string `yaml:"url"`
			}{}
		}, "gpio": func() any {
			return &struct {
				Pin string `yaml:"pin"`
			}{}
		}},
		Alarms: map[string]config.AlarmKind{}, Scenarios: emulated.Names(),
		Buses: func(scenario string) ([]string, error) {
			s, err := emulated.Load(scenario)
			if err != nil {
				return nil, err
			}
			var names []string
			for name := range emulated.NewWorld(s, 0, func() agent.Instant { return agent.Instant{} }).Buses() {
				names = append(names, name)
			}
			return names, nil
		},
	}
	points := func(specs []sensors.PointSpec) (out []config.Point) {
		for _, s := range specs {
			out = append(out, config.Point{Name: s.Name, Quantity: s.Quantity})
		}
		return out
	}
	for _, d := range []sensors.Driver{bmxx80.Driver, digital.Driver, ds18b20.Driver, sht4x.Driver, synthetic.Driver} {
		k.Sensors[d.Name] = config.Device{Config: d.Config, Points: func(c any) []config.Point { return points(d.Points(c)) }}
	}
	for _, d := range []sensors.ScannerDriver{barcode.Driver, mfrc522.Driver} {
		k.Scanners[d.Name] = config.Device{Config: d.Config, Points: func(c any) []config.Point { return points(d.Points(c)) }}
	}
	of := map[alarm.Scope]config.Watched{alarm.PerPoint: config.Points, alarm.PerSensor: config.Points, alarm.PerItem: config.Items, alarm.PerReader: config.Readers}
	for _, kind := range alarmall.Kinds() {
		k.Alarms[kind.Name] = config.AlarmKind{Config: kind.Config, Of: of[kind.Scope], Limit: kind.Excursion}
	}
	return k
}

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
