package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/control"
)

func alarmsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "alarms", Short: "List alarms and acknowledge them", Args: cobra.NoArgs}
	list := alarmsListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, alarmsAckCommand())
	return cmd
}

func alarmsListCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "list", Short: "List alarms that are active or not acknowledged", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := t.status(cmd)
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
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.State, a.Severity, timeIn(a.Raised, siteOf(&s)), a.Message, a.ID)
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
		Use: "ack ID", Short: "Acknowledge an alarm by its id, or `all`", Args: exactArgs(1, "which alarm? say its id, or all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := t.person()
			if err != nil {
				return err
			}
			if comment == "" {
				return usagef("an acknowledgement needs a comment: say --comment \"what you did\"")
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

// exactArgs is cobra.ExactArgs with a sentence of ours.
func exactArgs(n int, sentence string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s", sentence)
		}
		return nil
	}
}
