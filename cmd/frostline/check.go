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
	"github.com/frostline/frostline/agent/profile"
)

// allZones is --profile without a zone.
const allZones = "*"

// checking is what check is asked for.
type checking struct {
	path    string
	profile string // a zone, allZones, or nothing
	json    bool
}

func checkCommand() *cobra.Command {
	var c checking
	var schema, sample bool
	cmd := &cobra.Command{
		Use: "check [ZONE]", Short: "Check a config file and tell how long the store lasts with it",
		Long: "Check a config file without touching any hardware. All errors come at once, each with its line and column.\n" +
			"Tells how fast the store grows with this config, how long `keep` lasts, and which demands of the zones'\n" +
			"profiles it does not meet. Exit code 2 if the config is bad, 1 if a profile demands more.\n\n" +
			"With --profile it prints the profiles of all zones, or of ZONE, clause by clause: met, not met, or not\n" +
			"checkable here, each with the reason and the source.",
		Args: func(cmd *cobra.Command, args []string) error {
			if c.profile == "" {
				return noArgs(cmd, args)
			}
			return mostArgs(1, "check --profile takes one zone at most")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case schema:
				_, err := cmd.OutOrStdout().Write(config.Schema(daemon.Known()))
				return err
			case sample:
				_, err := cmd.OutOrStdout().Write(config.Sample(daemon.Known()))
				return err
			}
			if len(args) > 0 {
				c.profile = args[0]
			}
			return c.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&c.path, "config", "c", defaultConfig, "config file")
	cmd.Flags().StringVar(&c.profile, "profile", "", "print the profiles of the zones, or of one zone, clause by clause")
	cmd.Flags().Lookup("profile").NoOptDefVal = allZones
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of config files and end")
	cmd.Flags().BoolVar(&sample, "sample", false, "print an annotated sample config and end")
	return cmd
}

// run prints what there is to say. The error is the config's, or that a profile's demands
// are not met.
func (c *checking) run(out, errOut io.Writer) error {
	cfg, err := loadConfig(c.path)
	var bad *config.Errors
	if c.json && errors.As(err, &bad) {
		list := map[string]any{"ok": false, "errors": bad.List, "more_errors": bad.More}
		return errors.Join(printJSON(out, list), &silentError{err})
	}
	if err != nil {
		return err
	}
	zone := c.profile
	if zone == allZones {
		zone = ""
	}
	reports, err := profileReports(cfg, zone)
	if err != nil {
		return err
	}
	missing := objections(cfg, reports)
	switch {
	case c.profile != "" && c.json:
		err = printJSON(out, map[string]any{"ok": len(missing) == 0, "zones": append([]profile.Report{}, reports...)})
	case c.profile != "":
		err = renderProfiles(out, reports)
	case c.json:
		err = checkJSON(out, cfg, missing)
	default:
		err = renderCheck(out, c.path, cfg, config.KeepLasts(cfg, diskSize(cfg.Store.Dir)))
		for _, o := range missing {
			fmt.Fprintln(errOut, o.Error())
		}
	}
	if err != nil || len(missing) == 0 {
		return err
	}
	if c.json {
		return &silentError{unmet(len(missing))}
	}
	return unmet(len(missing))
}

func checkJSON(w io.Writer, cfg *config.Config, missing []config.Error) error {
	e := config.KeepLasts(cfg, diskSize(cfg.Store.Dir))
	return printJSON(w, map[string]any{
		"ok": len(missing) == 0, "site": cfg.Site, "gateway": cfg.Gateway, "sensors": len(cfg.Sensors), "scanners": len(cfg.Scanners),
		"alarms": len(cfg.Alarms), "upstreams": len(cfg.Upstreams), "warnings": warnings(cfg), "objections": missing,
		"keep": map[string]any{
			"readings_per_day": e.Readings, "bytes_per_day": int64(e.BytesPerDay),
			"lasts_s": int64(e.Lasts / time.Second), "limit": e.By,
		},
	})
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
