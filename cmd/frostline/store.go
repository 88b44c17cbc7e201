package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sync/wire"
)

func storeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Look into the store, check, export, repair and back it up", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(storeStatCommand(), storeCheckCommand(), storeExportCommand(), storeRepairCommand(),
		storeRequeueCommand(), storeForgetCommand(), storeBackupCommand())
	return cmd
}

func storeStatCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "stat", Short: "Count records, bytes, epochs and what each upstream has taken", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := t.storeDir()
			if err != nil {
				return err
			}
			var s store.Stat
			err = control.NewClient(dir).Get(cmd.Context(), "store", &s)
			if errors.Is(err, control.ErrUnreachable) {
				unreachable := err
				if s, err = statOffline(cmd.Context(), dir); err != nil {
					return offline(unreachable, err)
				}
				fmt.Fprintln(cmd.ErrOrStderr(), notRunning)
			}
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), s)
			}
			return renderStat(cmd.OutOrStdout(), &s)
		},
	}
	t.flags(cmd)
	return cmd
}

func statOffline(ctx context.Context, dir string) (store.Stat, error) {
	r, err := store.OpenReadOnly(ctx, dir)
	if err != nil {
		return store.Stat{}, err
	}
	defer r.Close()
	return r.Stat(ctx)
}

func storeCheckCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "check", Short: "Read the whole store and prove that nothing in it is wrong", Args: noArgs,
		Long: "Read every page and every record of the store: whether it decodes, whether positions are contiguous,\nwhether anything stands there twice. Exit code 4 if the store is damaged. Changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := t.storeDir()
			if err != nil {
				return err
			}
			report, err := store.Check(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if t.json {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = renderReport(cmd.OutOrStdout(), &report)
			}
			if err == nil && !report.OK {
				return &silentError{&exitError{exitDamaged, store.ErrDamaged}}
			}
			return err
		},
	}
	t.flags(cmd)
	return cmd
}

func storeRepairCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "repair", Short: "Set a damaged store aside and salvage what can be read", Args: noArgs,
		Long: "Set the store aside under a new name and bring every record that can be read into a fresh one, at its\nposition; what cannot be read is a gap record. The agent does this by itself at its start; this is for a\nstore whose agent is stopped. Nothing is deleted.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := t.storeDir()
			if err != nil {
				return err
			}
			if found, err := store.Check(cmd.Context(), dir); err == nil && found.OK {
				if t.json {
					return printJSON(cmd.OutOrStdout(), found)
				}
				return renderReport(cmd.OutOrStdout(), &found)
			}
			system := clock.NewSystem(buildDate())
			report, err := store.Repair(cmd.Context(), store.Options{Dir: dir, Now: system.Now, Version: version})
			err = errors.Join(err, handBack(dir))
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), report)
			}
			return renderReport(cmd.OutOrStdout(), &report)
		},
	}
	t.flags(cmd)
	return cmd
}

func storeExportCommand() *cobra.Command {
	var t target
	var from, to string
	cmd := &cobra.Command{
		Use: "export", Short: "Print records as JSON lines, oldest first", Args: noArgs,
		Long:    "Print records in the words of docs/wire.md, one JSON object per line, oldest first, beside a running agent too.",
		Example: "  frostline store export --from 2026-03-01T00:00:00+08:00 --to 2026-03-02T00:00:00+08:00",
		RunE: func(cmd *cobra.Command, _ []string) error {
			within, err := parseRange(from, to)
			if err != nil {
				return err
			}
			cfg, err := t.load()
			if err != nil {
				return fmt.Errorf("site and gateway, which every record names, stand in the config: %w", err)
			}
			dir := cmp.Or(t.dir, cfg.Store.Dir)
			return export(cmd, dir, wire.Gateway{Site: cfg.Site, Gateway: cfg.Gateway}, within)
		},
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "only records taken at this time or later (RFC 3339)")
	cmd.Flags().StringVar(&to, "to", "", "only records taken before this time (RFC 3339)")
	return cmd
}

// timeRange selects records by their wall time; a zero end is open. Undated records are
// selected by an open range only.
type timeRange struct{ from, to time.Time }

func (r timeRange) has(t time.Time) bool {
	if t.IsZero() {
		return r.from.IsZero() && r.to.IsZero()
	}
	return (r.from.IsZero() || !t.Before(r.from)) && (r.to.IsZero() || t.Before(r.to))
}

func parseRange(from, to string) (timeRange, error) {
	var r timeRange
	for _, f := range []struct {
		name, text string
		into       *time.Time
	}{{"--from", from, &r.from}, {"--to", to, &r.to}} {
		if f.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, f.text)
		if err != nil {
			return r, usagef("%s: %q is not a time: write it like 2026-03-01T06:30:00+08:00", f.name, f.text)
		}
		*f.into = t
	}
	return r, nil
}

// export pages through the store by position, so that no read transaction gets old.
func export(cmd *cobra.Command, dir string, g wire.Gateway, within timeRange) error {
	r, err := store.OpenReadOnly(cmd.Context(), dir)
	if err != nil {
		return err
	}
	defer r.Close()
	w := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	var line []byte
	waiting := 0
	for p := (agent.Position{}); ; {
		records, err := r.After(cmd.Context(), p, 4096)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			if waiting > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s left out: their boot has no date yet (frostline clock set)\n", plural(waiting, "record"))
			}
			return w.Flush()
		}
		for i := range records {
			rec := &records[i]
			p = rec.Position
			if rec.Waiting() {
				waiting++
				continue
			}
			if !within.has(rec.At().Wall) {
				continue
			}
			if line, err = wire.AppendRecord(line[:0], g, rec, r); err != nil {
				return err
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return err
			}
		}
	}
}

func storeRequeueCommand() *cobra.Command {
	return upstreamCommand("requeue UPSTREAM", "Send the records again that an upstream rejected", "store/requeue",
		func(cmd *cobra.Command, id string, r control.CountReply) {
			fmt.Fprintf(cmd.OutOrStdout(), "%d records go to %s again\n", r.Count, id)
		})
}

func storeForgetCommand() *cobra.Command {
	return upstreamCommand("forget UPSTREAM", "Forget how far an upstream that left the config had got", "store/forget",
		func(cmd *cobra.Command, id string, _ control.CountReply) {
			fmt.Fprintf(cmd.OutOrStdout(), "%s is forgotten; if it comes back it begins anew\n", id)
		})
}

func upstreamCommand(use, short, path string, done func(*cobra.Command, string, control.CountReply)) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: use, Short: short, Args: exactArgs(1, "which upstream? say its id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := t.person()
			if err != nil {
				return err
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			var r control.CountReply
			if err := c.Post(cmd.Context(), path, control.UpstreamRequest{Upstream: agent.UpstreamID(args[0]), By: by}, &r); err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), r)
			}
			done(cmd, args[0], r)
			return nil
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	return cmd
}

func storeBackupCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Copy the store into a new file, also while the agent runs", Args: exactArgs(1, "into which file?"),
		Long: "Copy the store into a new file while the agent goes on. To restore, stop the agent and put the copy in the\nplace of frostline.db: it begins a new epoch, so that no position is ever used twice.",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := filepath.Abs(args[0])
			if err != nil {
				return usage(err)
			}
			by, err := t.person()
			if err != nil {
				return err
			}
			dir, err := t.storeDir()
			if err != nil {
				return err
			}
			err = control.NewClient(dir).Post(cmd.Context(), "store/backup", control.BackupRequest{File: file, By: by}, &control.CountReply{})
			if errors.Is(err, control.ErrUnreachable) {
				err = backupOffline(cmd.Context(), dir, file)
			}
			if err != nil {
				return err
			}
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("the agent wrote the copy to a %s of its own, where you cannot see it: as a service it has a private /tmp; name a file in a directory that both of you have, such as %s", file, dir)
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"file": file})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "copied to", file)
			return err
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	return cmd
}

// backupOffline runs the store without an agent for as long as the copy takes.
func backupOffline(ctx context.Context, dir, file string) error {
	if _, err := os.Stat(filepath.Join(dir, "frostline.db")); err != nil {
		return fmt.Errorf("backup: no store in %s: %w", dir, err)
	}
	system := clock.NewSystem(buildDate())
	db, err := store.Open(ctx, store.Options{Dir: dir, Now: system.Now, Version: version})
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- db.Run(run) }()
	err = db.Backup(ctx, file)
	stop()
	return errors.Join(err, <-done, handBack(dir))
}

// handBack gives what root made in the store's directory to the directory's owner: the
// agent runs as its own user and could not write it otherwise.
func handBack(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "frostline.*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, os.Lchown(name, int(owner.Uid), int(owner.Gid)))
	}
	return errors.Join(errs...)
}
