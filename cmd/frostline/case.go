package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

func caseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "case", Short: "Follow excursions and decide about the goods", Args: noArgs,
		Long: "An excursion is a case: it outlives its alarm and is open until a person with the role quality has evaluated it\n" +
			"and decided about the goods. Without a command, list the open cases."}
	list := caseListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, caseShowCommand(), caseCauseCommand(), caseEvaluateCommand(), caseDisposeCommand())
	return cmd
}

const whichCase = "which case? say the ID that `frostline case` shows, or its zone"

func caseListCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "list", Short: "List the open cases", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := t.status(cmd)
			if err != nil {
				return err
			}
			if t.json {
				if s.Cases == nil {
					s.Cases = []agent.ExcursionEvent{}
				}
				return printJSON(cmd.OutOrStdout(), s.Cases)
			}
			if len(s.Cases) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "no open cases")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "STATE\tBEGAN\tOUT\tZONE\tWORST\tCAUSE\tEVALUATED\tID")
			for i := range s.Cases {
				c := &s.Cases[i]
				evaluated := "no"
				if c.Evaluation != "" {
					evaluated = "yes"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.State, timeIn(c.Began, siteOf(&s)), time.Duration(c.OutS)*time.Second,
					c.Zone, worstText(c), c.Cause, evaluated, c.ID)
			}
			return w.Flush()
		},
	}
	t.flags(cmd)
	return cmd
}

// worstText is the value farthest outside at the first point that has one.
func worstText(c *agent.ExcursionEvent) string {
	for _, p := range c.Outside {
		if p.Worst != nil {
			return p.Worst.String()
		}
	}
	return "-"
}

func caseShowCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show an open case", Args: exactArgs(1, whichCase),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := t.status(cmd)
			if err != nil {
				return err
			}
			shown := 0
			for i := range s.Cases {
				c := &s.Cases[i]
				if string(c.ID) != args[0] && string(c.Zone) != args[0] {
					continue
				}
				if t.json {
					return printJSON(cmd.OutOrStdout(), c)
				}
				if shown++; shown > 1 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				if err := printCase(cmd, c, &s); err != nil {
					return err
				}
			}
			if shown > 0 {
				return nil
			}
			return fmt.Errorf("%s: no such case is open", args[0])
		},
	}
	t.flags(cmd)
	return cmd
}

func printCase(cmd *cobra.Command, c *agent.ExcursionEvent, s *control.Status) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	line("case", string(c.ID))
	line("state", string(c.State))
	line("zone", string(c.Zone))
	line("trip", string(c.Trip))
	line("began", timeIn(c.Began, siteOf(s)))
	if !c.Ended.IsZero() {
		line("ended", timeIn(c.Ended, siteOf(s)))
	}
	line("out", (time.Duration(c.OutS) * time.Second).String())
	for _, p := range c.Outside {
		text := "worst unknown"
		if p.Worst != nil {
			text = "worst " + p.Worst.String()
		}
		if p.Limit != nil {
			text += ", limit " + p.Limit.String()
		}
		if p.Dead {
			text += ", gave no value for a time"
		}
		line("point "+string(p.Point), text)
	}
	goods := make([]string, len(c.Items))
	for i, item := range c.Items {
		goods[i] = string(item)
	}
	line("goods", strings.Join(goods, ", "))
	cause := string(c.Cause)
	if c.CauseBy != "" {
		cause += ", says " + c.CauseBy
	}
	line("cause", cause)
	line("evaluation", c.Evaluation)
	line("disposition", string(c.Disposition))
	return w.Flush()
}

func caseCauseCommand() *cobra.Command {
	var t target
	var comment string
	cmd := &cobra.Command{
		Use: "cause ID WORD", Short: "Say why it happened", Args: exactArgs(2, "say which case, and one word: door-open, power-failed, compressor, sensor-fault, unknown or one of your own"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.casePost(cmd, control.CaseOrder{ID: args[0], Do: "cause", Cause: agent.ExcursionCause(args[1]), Comment: comment})
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "what you saw")
	return cmd
}

func caseEvaluateCommand() *cobra.Command {
	var t target
	var text string
	cmd := &cobra.Command{
		Use: "evaluate ID", Short: "Say what the excursion did to the goods", Args: exactArgs(1, whichCase),
		Long:    "The evaluation of an excursion, by a person with the role quality. A later one stands in place of an earlier one; the\nrecord keeps both.",
		Example: "  frostline case evaluate cold-room-1 --as \"Ada Roth\" --text \"8 min below 12 °C, covered by the stability data\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(text) == "" {
				return usagef("an evaluation needs a text: say --text \"what it did to the goods, and how you know\"")
			}
			return t.casePost(cmd, control.CaseOrder{ID: args[0], Do: "evaluate", Evaluation: text})
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&text, "text", "", "what it did to the goods (required)")
	return cmd
}

func caseDisposeCommand() *cobra.Command {
	var t target
	var comment string
	cmd := &cobra.Command{
		Use: "dispose ID release|use-first|reject", Short: "Decide about the goods and close the case",
		Args: exactArgs(2, "say which case, and release, use-first or reject"),
		Long: "The decision about the goods, by a person with the role quality, after the evaluation. While the zone is still out of\nrange goods can only be rejected.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.casePost(cmd, control.CaseOrder{ID: args[0], Do: "dispose", Disposition: agent.Disposition(args[1]), Comment: comment})
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "what else should be on record")
	return cmd
}

// casePost tells the agent, and prints what it brought about.
func (t *target) casePost(cmd *cobra.Command, in control.CaseOrder) error {
	var err error
	if in.By, err = t.signature(); err != nil {
		return err
	}
	c, err := t.client()
	if err != nil {
		return err
	}
	var r control.CaseReply
	if err := c.Post(cmd.Context(), "case", in, &r); err != nil {
		return err
	}
	if t.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	for i := range r.Events {
		fmt.Fprintln(cmd.OutOrStdout(), r.Events[i].Message)
	}
	return nil
}
