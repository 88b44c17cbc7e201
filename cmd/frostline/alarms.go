package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/control"
)

func alarmsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "alarms", Short: "List alarms, acknowledge, shelve and reset them", Args: noArgs,
		Long: "Without a command, list the alarms that are not normal: active, not acknowledged, shelved, out of service."}
	list := alarmsListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, alarmsAckCommand(), alarmsDrillCommand())
	for _, v := range alarmVerbs {
		cmd.AddCommand(v.command())
	}
	return cmd
}

func alarmsListCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "list", Short: "List alarms that are active or not acknowledged", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := t.status(cmd)
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), s.Alarms)
			}
			if len(s.Alarms) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "no alarms")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "STATE\tSEVERITY\tSINCE\tWHAT\tID")
			for _, a := range s.Alarms {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.State, a.Severity, timeIn(a.Raised, siteOf(&s)), alarmText(a), a.ID)
			}
			return w.Flush()
		},
	}
	t.flags(cmd)
	return cmd
}

func alarmsAckCommand() *cobra.Command {
	var t target
	var comment string
	cmd := &cobra.Command{
		Use: "ack ID", Short: "Acknowledge an alarm by its id, or all of them", Args: exactArgs(1, "which alarm? say the ID that `frostline alarms` shows, or all"),
		Long: "Say as a named person that you know of an alarm, and what you saw or did. ID is an alarm's id as `frostline alarms`\n" +
			"shows it, the alarm's name in the config, or all. The acknowledgement is on disk when this returns.\n" +
			"Root and service accounts are no persons: they say --as NAME.",
		Example: "  frostline alarms ack cold-room-1-high-air --as \"Li Wei\" --comment \"door closed, goods checked\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(comment) == "" {
				return usagef("an acknowledgement needs a comment: say --comment \"what you saw or did\"")
			}
			by, err := t.signature()
			if err != nil {
				return err
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			var r control.AckReply
			if err := c.Post(cmd.Context(), "ack", control.AckRequest{ID: args[0], By: by, Comment: comment}, &r); err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), r)
			}
			if len(r.Acknowledged) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing waits for an acknowledgement")
				return err
			}
			for _, id := range r.Acknowledged {
				fmt.Fprintf(cmd.OutOrStdout(), "acknowledged %s\n", id)
			}
			return nil
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "what you saw or did (required)")
	return cmd
}
