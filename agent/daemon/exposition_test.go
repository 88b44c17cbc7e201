package daemon

import (
	"bytes"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestExposition: Prometheus' own parser reads what is written, whatever the labels hold.
func TestExposition(t *testing.T) {
	odd := "a \"quoted\" \\ back\nslash, 冷库 {x=\"1\"} 5"
	value := gaugeOf("value", "Help with \\ and\na line end.", "zone", "point")
	value.add(-18.25, odd, "fr/temperature")
	value.add(1e-6, "", "x")
	count := counterOf("things_total", "Things.")
	count.add(12345678901)
	var text bytes.Buffer
	for _, m := range []*metric{value, count, gaugeOf("empty", "Nothing.")} {
		if err := m.write(&text); err != nil {
			t.Fatal(err)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	v := families["frostline_value"].GetMetric()
	if len(families) != 2 || len(v) != 2 || v[0].GetGauge().GetValue() != -18.25 || v[1].GetGauge().GetValue() != 1e-6 {
		t.Fatalf("%s", &text)
	}
	if got := v[0].GetLabel()[0].GetValue(); got != odd {
		t.Errorf("label %q, want %q", got, odd)
	}
	if got := families["frostline_things_total"].GetMetric()[0].GetCounter().GetValue(); got != 12345678901 {
		t.Errorf("counter %v", got)
	}
	if got := families["frostline_value"].GetHelp(); got != "Help with \\ and\na line end." {
		t.Errorf("help %q", got)
	}
}
