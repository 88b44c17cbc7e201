package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func tailCommand() *cobra.Command {
	var t target
	var count int
	cmd := &cobra.Command{
		Use: "tail", Short: "Print records as they are committed, one JSON object per line", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.client()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGPIPE)
			defer stop()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			n := 0
			return c.Tail(ctx, func(line []byte) error {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line); err != nil {
					return err
				}
				if n++; n == count {
					cancel()
				}
				return nil
			})
		},
	}
	t.flags(cmd)
	cmd.Flags().IntVarP(&count, "lines", "n", 0, "end after so many records (0: never)")
	return cmd
}
