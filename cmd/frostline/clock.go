package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/control"
)

func clockCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "clock", Short: "Confirm the gateway's clock", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var t target
	set := &cobra.Command{
		Use: "set [TIME]", Short: "Say that the gateway's clock is right, or what the time is", Args: mostArgs(1, "one TIME is enough: write it like 2026-03-01T06:30:00+08:00"),
		Long: "Without TIME, say as a named person that the machine's clock is right; with TIME (RFC 3339, such as\n2026-03-01T06:30:00+08:00), say what the time is now. Records that waited for a confirmed clock are dated\nby it and go upstream. The word holds until the machine's clock is set.",
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := t.person()
			if err != nil {
				return err
			}
			req := control.ClockRequest{By: by}
			if len(args) == 1 {
				if req.T, err = time.Parse(time.RFC3339, args[0]); err != nil {
					return usagef("%q is not a time: write it like 2026-03-01T06:30:00+08:00", args[0])
				}
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			var r control.CountReply
			if err := c.Post(cmd.Context(), "clock", req, &r); err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), req)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "clock confirmed by", by)
			return err
		},
	}
	t.flags(set)
	t.acting(set)
	cmd.AddCommand(set)
	return cmd
}
