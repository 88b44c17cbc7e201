package main

import (
	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
)

func statusCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "status", Short: "Show zones, alarms, stock, delivery and what is wrong", Args: noArgs,
		Long: "Show what the agent measures, warns of and delivers, and every trouble it is in with its remedy.\nExit code 1 if something critical is wrong.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, live, err := t.status(cmd)
			if err != nil {
				return err
			}
			if t.json {
				err = printJSON(cmd.OutOrStdout(), s)
			} else {
				err = render(cmd.OutOrStdout(), &s, live, styleOf(cmd.OutOrStdout()))
			}
			for _, c := range s.Conditions {
				if err == nil && c.Severity == agent.SeverityCritical {
					return &silentError{&exitError{exitFailed, errCritical}}
				}
			}
			return err
		},
	}
	t.flags(cmd)
	return cmd
}
