package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

func checkCommand() *cobra.Command {
	var path string
	var asJSON, schema, sample bool
	cmd := &cobra.Command{
		Use: "check", Short: "Check a config file and tell how long the store lasts with it", Args: noArgs,
		Long: "Check a config file without touching any hardware. All errors come at once, each with its line and column.\nTells how fast the store grows with this config, and how long `keep` lasts. Exit code 2 if the config is bad.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case schema:
				_, err := cmd.OutOrStdout().Write(config.Schema(daemon.Known()))
				return err
			case sample:
				_, err := cmd.OutOrStdout().Write(config.Sample(daemon.Known()))
				return err
			}
			cfg, err := loadConfig(path)
			var bad *config.Errors
			if asJSON && errors.As(err, &bad) {
				out := map[string]any{"ok": false, "errors": bad.List, "more_errors": bad.More}
				return errors.Join(printJSON(cmd.OutOrStdout(), out), &silentError{err})
			}
			if err != nil {
				return err
			}
			e := config.KeepLasts(cfg, diskSize(cfg.Store.Dir))
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{
					"ok": true, "site": cfg.Site, "gateway": cfg.Gateway, "sensors": len(cfg.Sensors), "scanners": len(cfg.Scanners),
					"alarms": len(cfg.Alarms), "upstreams": len(cfg.Upstreams), "warnings": warnings(cfg),
					"keep": map[string]any{
						"readings_per_day": e.Readings, "bytes_per_day": int64(e.BytesPerDay),
						"lasts_s": int64(e.Lasts / time.Second), "limit": e.By,
					},
				})
			}
			return renderCheck(cmd.OutOrStdout(), path, cfg, e)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", defaultConfig, "config file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of config files and end")
	cmd.Flags().BoolVar(&sample, "sample", false, "print an annotated sample config and end")
	return cmd
}

func renderCheck(w io.Writer, path string, cfg *config.Config, e config.Estimate) error {
	for _, warning := range warnings(cfg) {
		fmt.Fprintln(w, "warning:", warning)
	}
	fmt.Fprintf(w, "%s is right: %s/%s, %s, %s, %s, %s\n", path, cfg.Site, cfg.Gateway, plural(len(cfg.Sensors), "sensor"),
		plural(len(cfg.Scanners), "scanner"), plural(len(cfg.Alarms), "alarm"), plural(len(cfg.Upstreams), "upstream"))
	if e.By == "" {
		_, err := fmt.Fprintln(w, "nothing is measured, so the store does not grow by readings")
		return err
	}
	_, err := fmt.Fprintf(w, "the store grows by about %s a day (%d readings); keep lasts %s, limited by %s\n",
		size(int64(e.BytesPerDay)), e.Readings, days(e.Lasts), "keep."+e.By)
	return err
}

func warnings(cfg *config.Config) []string {
	texts := make([]string, len(cfg.Warnings))
	for i, w := range cfg.Warnings {
		texts[i] = w.Error()
	}
	return texts
}

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// diskSize is the size of the disk that will hold dir; 0 where it cannot be told.
func diskSize(dir string) config.Bytes {
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err == nil {
			return config.Bytes(int64(s.Blocks) * int64(s.Bsize))
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return 0
		}
		dir = parent
	}
}
