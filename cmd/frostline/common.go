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
	case store.Damaged(err):
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
	cmd    *cobra.Command // the verb; nil without flags
}

// flags adds the flags of every verb that speaks to an agent.
func (t *target) flags(cmd *cobra.Command) {
	t.cmd = cmd
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

// firstPerson is the lowest user id that belongs to a person and not to the system.
const firstPerson = 1000

// signature is the person who vouches for something: --as, or the name of a user who is a
// person. "root" vouches for nothing.
func (t *target) signature() (string, error) {
	if t.as == "" && os.Getuid() < firstPerson {
		return "", usagef("this needs a person's name: say --as NAME")
	}
	return t.person()
}

// storeDir is the agent's store directory.
func (t *target) storeDir() (string, error) {
	if t.dir != "" {
		return t.dir, nil
	}
	cfg, err := t.load()
	var bad *config.Errors
	if errors.As(err, &bad) {
		return t.dirOfRunning(bad, err)
	}
	if err != nil {
		return "", err
	}
	return cfg.Store.Dir, nil
}

// dirOfRunning finds the agent that runs on while its config file has errors, and warns of
// them: a bad edit must not keep people from its alarms. Where no agent answers, the
// errors stay what is wrong.
func (t *target) dirOfRunning(bad *config.Errors, err error) (string, error) {
	text, readErr := os.ReadFile(t.config)
	if readErr != nil || t.cmd == nil {
		return "", err
	}
	dir, ok := config.StoreDir(text)
	if !ok || !control.NewClient(dir).Answers() {
		return "", err
	}
	fmt.Fprintf(t.cmd.ErrOrStderr(), "%s has %s, see frostline check; asking the agent that runs with its last good config\n",
		t.config, plural(len(bad.List)+bad.More, "error"))
	return dir, nil
}

// load reads the agent's config.
func (t *target) load() (*config.Config, error) {
	return loadConfig(t.config)
}

func loadConfig(path string) (*config.Config, error) { return loadConfigWith(path, daemon.Known()) }

func loadConfigWith(path string, k config.Known) (*config.Config, error) {
	cfg, err := config.Load(path, k)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, err
	case errors.Is(err, os.ErrNotExist) && path == defaultConfig:
		return nil, usagef("%w; say which with -c FILE", err)
	case err != nil:
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

// notRunning is said where a verb reads the store in the place of the agent.
const notRunning = "agent not reachable; read from its store"

// status asks the agent, or else reads its store and says so on standard error; live tells which.
func (t *target) status(cmd *cobra.Command) (s control.Status, live bool, err error) {
	c, err := t.client()
	if err != nil {
		return s, false, err
	}
	err = c.Get(cmd.Context(), "status", &s)
	if !errors.Is(err, control.ErrUnreachable) {
		return s, true, err
	}
	cfg, loadErr := t.load()
	if loadErr != nil {
		return s, false, fmt.Errorf("%w; to read from its store, say -c FILE", err)
	}
	if t.dir != "" {
		cfg.Store.Dir = t.dir
	}
	s, readErr := daemon.Inspect(cmd.Context(), cfg)
	if readErr != nil {
		return s, false, offline(err, readErr)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), notRunning)
	return s, false, nil
}

// offline is why neither the agent nor its store could be asked. A store that cannot be
// read for what it is weighs more than an agent that is not there.
func offline(unreachable, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w, and there is no store to read: is this the right directory?", unreachable)
	}
	return fmt.Errorf("agent not reachable, and its store cannot be read: %w", err)
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
