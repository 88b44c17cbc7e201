package daemon

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// metric is one metric family of the Prometheus text exposition format, version 0.0.4.
type metric struct {
	name, help, kind string // kind is counter or gauge
	labels           []string
	samples          []sampled
}

type sampled struct {
	labels []string // values, in the order of the names
	value  float64
}

func counterOf(name, help string, labels ...string) *metric {
	return &metric{name: "frostline_" + name, help: help, kind: "counter", labels: labels}
}

func gaugeOf(name, help string, labels ...string) *metric {
	return &metric{name: "frostline_" + name, help: help, kind: "gauge", labels: labels}
}

// add adds a sample with the values of the labels.
func (m *metric) add(v float64, labels ...string) {
	if len(labels) != len(m.labels) {
		panic("daemon: metric " + m.name + ": a label without a value")
	}
	m.samples = append(m.samples, sampled{labels, v})
}

// Quotes and line ends that the format escapes.
var (
	helpText   = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// write writes the family; nothing if it has no samples.
func (m *metric) write(w io.Writer) error {
	if len(m.samples) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.name, helpText.Replace(m.help), m.name, m.kind)
	for _, s := range m.samples {
		b.WriteString(m.name)
		for i, l := range s.labels {
			b.WriteByte("{,"[min(i, 1)])
			b.WriteString(m.labels[i] + `="` + labelValue.Replace(l) + `"`)
		}
		if len(s.labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
