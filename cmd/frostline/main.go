// Frostline is an edge agent for cold chains and smart warehouses: it measures, keeps,
// warns and delivers. This command is the agent, its operator's tool, its demo, and the
// reference far side.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // a gateway's image may come without zone files

	"github.com/spf13/cobra"
)

func main() {
	debug.SetTraceback("crash") // a defect must not end with the exit code of a bad config
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	os.Exit(report(err))
}

// root is the command line with all its verbs.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "frostline",
		Short:         "Edge agent for cold chains and smart warehouses",
		Long:          "Frostline reads temperature, humidity, doors, tags and barcodes, keeps every record,\nraises alarms on the spot, and brings everything upstream without losing or doubling a record.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
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
	add("look", statusCommand(), tailCommand(), alarmsCommand(), stockCommand(), storeCommand(), clockCommand())
	add("other", versionCommand())
	return cmd
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
func report(err error) int {
	if err == nil {
		return exitDone
	}
	var silent *silentError
	if !errors.As(err, &silent) {
		fmt.Fprintln(os.Stderr, "frostline:", err)
	}
	return codeOf(err)
}

// silentError has been told already; only its code counts.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }
