package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func stockCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "stock", Short: "Show what is where, and what runs out", Args: noArgs,
		Long: "Show each item's balance in each zone, what is left of it over all zones, and its minimum.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := t.status(cmd)
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), s.Stock)
			}
			if len(s.Stock) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "no stock is kept: the config has no stock.items")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "ITEM\tNAME\tZONE\tHERE\tTOTAL\tMINIMUM\tWARNING")
			for _, l := range s.Stock {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", l.Item, l.Name, l.Zone, l.Balance, l.Total, l.Minimum, stockWarning(l))
			}
			return w.Flush()
		},
	}
	t.flags(cmd)
	return cmd
}
