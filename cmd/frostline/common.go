package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/store"
)

// defaultConfig is where the package puts the config.
const defaultConfig = "/etc/frostline/frostline.yaml"

// codeOf is the exit code that an error stands for.
func codeOf(err error) int {
	var exit *exitError
	var bad *config.Errors
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &bad), errors.Is(err, control.ErrUsage):
		return exitUsage
	case errors.Is(err, control.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, control.ErrNotPermitted), errors.Is(err, os.ErrPermission):
		return exitNotPermitted
	case errors.Is(err, store.ErrDamaged):
		return exitDamaged
	}
	return exitFailed
}

// target says which agent a verb is about, and how it prints.
type target struct {
	config string
	dir    string
	json   bool
	as     string
}

// flags adds the flags of every verb that speaks to an agent.
func (t *target) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.config, "config", "c", defaultConfig, "config file of the agent")
	cmd.Flags().StringVar(&t.dir, "dir", "", "store directory of the agent, instead of the config's")
	cmd.Flags().BoolVar(&t.json, "json", false, "print JSON")
}

// acting adds --as, for verbs that do something.
func (t *target) acting(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.as, "as", "", "name of the person who does this (default: the user's name)")
}

// person is who does it: --as, or the user's name.
func (t *target) person() (string, error) {
	if t.as != "" {
		return t.as, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", usagef("who are you? say --as NAME")
	}
	return u.Username, nil
}

// storeDir is the agent's store directory.
func (t *target) storeDir() (string, error) {
	if t.dir != "" {
		return t.dir, nil
	}
	cfg, err := t.load()
	if err != nil {
		return "", err
	}
	return cfg.Store.Dir, nil
}

// load reads the agent's config.
func (t *target) load() (*config.Config, error) {
	return loadConfig(t.config)
}

func loadConfig(path string) (*config.Config, error) {
	cfg, err := config.Load(path, daemon.Known())
	if err != nil {
		return nil, usage(err)
	}
	return cfg, nil
}

// client speaks to the agent.
func (t *target) client() (*control.Client, error) {
	dir, err := t.storeDir()
	if err != nil {
		return nil, err
	}
	return control.NewClient(dir), nil
}

// status asks the agent, or else reads its store and says so on w.
func (t *target) status(cmd *cobra.Command) (control.Status, error) {
	c, err := t.client()
	if err != nil {
		return control.Status{}, err
	}
	var s control.Status
	err = c.Get(cmd.Context(), "status", &s)
	if !errors.Is(err, control.ErrUnreachable) {
		return s, err
	}
	cfg, loadErr := t.load()
	if loadErr != nil {
		return s, err
	}
	if t.dir != "" {
		cfg.Store.Dir = t.dir
	}
	s, readErr := daemon.Inspect(cmd.Context(), cfg)
	if readErr != nil {
		return s, errors.Join(err, readErr)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "agent not reachable; read from its store")
	return s, nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
