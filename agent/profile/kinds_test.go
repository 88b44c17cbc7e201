package profile

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/configs"
)

// The kinds of alarm that the profiles use, in the words of docs/profiles.md. They have no
// rules here: what a profile says is the same whatever the engine makes of it.
type limitKind struct {
	Above     *agent.Value  `yaml:"above"`
	AtOrAbove *agent.Value  `yaml:"at_or_above"`
	Below     *agent.Value  `yaml:"below"`
	AtOrBelow *agent.Value  `yaml:"at_or_below"`
	For       time.Duration `yaml:"for"`
	Total     time.Duration `yaml:"total"`
	Within    string        `yaml:"within"`
	Deadband  agent.Value   `yaml:"deadband"`
}

func (l *limitKind) Validate() error {
	n := 0
	for _, v := range []*agent.Value{l.Above, l.AtOrAbove, l.Below, l.AtOrBelow} {
		if v != nil {
			n++
		}
	}
	var errs []error
	if n != 1 {
		errs = append(errs, errors.New("want exactly one of above, at_or_above, below and at_or_below"))
	}
	if (l.Total != 0) != (l.Within != "") {
		errs = append(errs, errors.New("total and within go together"))
	}
	return errors.Join(errs...)
}

type mktKind struct {
	Above     *agent.Value  `yaml:"above"`
	AtOrAbove *agent.Value  `yaml:"at_or_above"`
	Within    time.Duration `yaml:"within,required"`
	DH        agent.Value   `yaml:"dh"`
}

type coolingKind struct {
	Stages []stage `yaml:"stages,required"`
}

type stage struct {
	From   agent.Value   `yaml:"from,required"`
	To     agent.Value   `yaml:"to,required"`
	Within time.Duration `yaml:"within,required"`
}

func kinds() config.Known {
	return config.Known{Alarms: map[string]config.AlarmKind{
		"limit":   {Config: func() any { return &limitKind{} }, Of: config.Points, Limit: true},
		"mkt":     {Config: func() any { return &mktKind{} }, Of: config.Points, Limit: true},
		"cooling": {Config: func() any { return &coolingKind{} }, Of: config.Points, Limit: true},
		"no-data": {Config: func() any { return &struct{}{} }, Of: config.Points},
		"empty":   {Config: func() any { return &struct{}{} }, Of: config.Items},
	}}
}

func builtIn() *Library { return NewLibrary(configs.Profiles(), kinds()) }

// all opens every built-in profile.
func all(t *testing.T) []*Profile {
	t.Helper()
	var list []*Profile
	for _, id := range builtIn().Names() {
		p, err := builtIn().Open(id)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		t.Fatal("there are no profiles")
	}
	return list
}

func TestLibrary(t *testing.T) {
	l := builtIn()
	if names := l.Names(); !slices.IsSorted(names) || !slices.Contains(names, "vaccine-2-8") {
		t.Errorf("names are %q", names)
	}
	if _, err := l.Open("none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open none: %v", err)
	}
	got, err := l.Profile("vaccine-2-8")
	if p, ok := got.Facts.(*Profile); err != nil || !ok || p.ID != "vaccine-2-8" || len(got.Limits) != len(p.Limits) {
		t.Errorf("%+v, %v", got, err)
	}
	// A kind that this version lacks is an error of the profile that needs it, and of no other.
	poor := kinds()
	delete(poor.Alarms, "mkt")
	l = NewLibrary(configs.Profiles(), poor)
	var bad *config.Errors
	if _, err := l.Open("usp-crt"); !errors.As(err, &bad) || bad.List[0].File != "profiles/usp-crt.yaml" || bad.List[0].Path == "" {
		t.Errorf("without mkt: %v", err)
	}
	if _, err := l.Open("vaccine-2-8"); err != nil {
		t.Errorf("without mkt: %v", err)
	}
}
