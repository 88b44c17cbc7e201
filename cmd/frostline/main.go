// Frostline is an edge agent for cold chains and smart warehouses: it measures, keeps,
// warns and delivers. This command is the agent, its operator's tool, its demo, and the
// reference far side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // a gateway's image may come without zone files

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/config"
)

func main() {
	debug.SetTraceback("crash") // a defect must not end with the exit code of a bad config
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	err := root().ExecuteContext(ctx)
	stop()
	os.Exit(report(os.Stderr, err))
}

// root is the command line with all its verbs.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "frostline",
		Short:         "Edge agent for cold chains and smart warehouses",
		Long:          "Frostline reads temperature, humidity, doors, tags and barcodes, keeps every record,\nraises alarms on the spot, and brings everything upstream without losing or doubling a record.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see `%s --help`", err, c.CommandPath())
	})
	cmd.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "look", Title: "Look and act:"},
		&cobra.Group{ID: "other", Title: "Other:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			cmd.AddCommand(c)
		}
	}
	add("run", demoCommand(), runCommand(), checkCommand(), receiveCommand())
	add("look", statusCommand(), tailCommand(), alarmsCommand(), tripCommand(), caseCommand(), reportCommand(), stockCommand(), storeCommand(), clockCommand())
	add("other", rehearseCommand(), mktCommand(), dewpointCommand(), versionCommand())
	cmd.SetHelpCommandGroupID("other")
	cmd.SetCompletionCommandGroupID("other")
	cmd.InitDefaultHelpCmd()
	cmd.InitDefaultCompletionCmd()
	for _, c := range cmd.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, help
		case "completion":
			c.Args = noArgs
			for _, shell := range c.Commands() {
				shell.Args = noArgs
			}
		}
	}
	return cmd
}

// help prints what --help prints for the command that args name.
func help(cmd *cobra.Command, args []string) error {
	c, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return usagef("no help on %q; see `%s --help`", strings.Join(args, " "), cmd.Root().Name())
	}
	return c.Help()
}

// noArgs refuses arguments: of a command with others below it, an unknown one of them.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usagef("what is %q? %s takes no argument; see `%s --help`", args[0], cmd.Name(), cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("unknown command %q: did you mean `%s %s`?", args[0], cmd.CommandPath(), near[0])
	}
	return usagef("unknown command %q; see `%s --help`", args[0], cmd.CommandPath())
}

// exactArgs is cobra.ExactArgs with a sentence of ours.
func exactArgs(n int, sentence string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s", sentence)
		}
		return nil
	}
}

// mostArgs is cobra.MaximumNArgs with a sentence of ours.
func mostArgs(n int, sentence string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%s", sentence)
		}
		return nil
	}
}

// Exit codes, everywhere the same.
const (
	exitDone         = 0
	exitFailed       = 1 // found or failed; the text says which
	exitUsage        = 2 // bad config or usage
	exitUnreachable  = 3 // agent not reachable
	exitDamaged      = 4 // store damaged
	exitNotPermitted = 5
)

// exitError is an error with the code that the process ends with.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{exitUsage, err} }

// usagef is a usage error in words.
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// report prints the error and returns the exit code.
func report(w io.Writer, err error) int {
	var silent *silentError
	var bad *config.Errors
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &silent), errors.Is(err, syscall.EPIPE): // told already, or nobody is left to be told
	case errors.As(err, &bad):
		n := len(bad.List) + bad.More
		fmt.Fprintf(w, "%v\nfrostline: %s in the config; nothing was touched\n", bad, plural(n, "error"))
	default:
		fmt.Fprintln(w, "frostline:", err)
	}
	return codeOf(err)
}

// silentError has been told already; only its code counts.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }
