package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

func runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "run", Short: "Run the agent until it is told to stop", Args: noArgs,
		Long: "Run the agent in the foreground. SIGTERM and SIGINT stop it cleanly; SIGHUP reads the config again,\nor keeps the old one and says why.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			ignorePipes()
			r := &runner{path: path, reload: make(chan *config.Config, 1)}
			return r.run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", defaultConfig, "config file")
	return cmd
}

// ignorePipes keeps a reader of the journal that goes away from ending what is to go on.
func ignorePipes() { signal.Ignore(syscall.SIGPIPE) }

// runner runs one agent after the other: a changed config begins a new one in the same
// process, on the same store, in the same epoch.
type runner struct {
	path   string
	reload chan *config.Config // the config to go on with
}

func (r *runner) run(ctx context.Context, cfg *config.Config) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	unix.Umask(0o027)                      // the store is for the agent and its group
	system := clock.NewSystem(buildDate()) // one for all: a person's word for it outlives a reload
	var good *config.Config                // the last one that an agent ran on
	var refused error
	for cfg != nil {
		log := newLog(cfg)
		a, err := daemon.New(ctx, daemon.Options{Config: cfg, Version: version, Built: buildDate(), Clock: system, Log: log, Reload: r.reread})
		if err != nil && good != nil && refused == nil && ctx.Err() == nil {
			log.Error("config refused; the old one stays", slog.Any("err", err))
			cfg, refused = good, err
			continue
		}
		if err != nil && ctx.Err() != nil {
			return nil // told to stop between two configs
		}
		if err != nil {
			return err
		}
		if refused != nil {
			a.Refuse(refused)
		}
		good, refused = cfg, nil
		if cfg, err = r.once(ctx, a, hup, log); err != nil {
			return err
		}
	}
	return nil
}

// once runs the agent until ctx is done (it returns no config) or another config is to be run.
func (r *runner) once(ctx context.Context, a *daemon.Agent, hup <-chan os.Signal, log *slog.Logger) (*config.Config, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for {
		select {
		case err := <-done:
			return nil, err
		case <-hup:
			if err := a.Reload(ctx); err != nil && ctx.Err() == nil {
				log.Error("config refused; the old one stays", slog.Any("err", err))
				a.Refuse(err)
			}
		case next := <-r.reload:
			log.Info("config changed")
			stop(daemon.ErrReplaced)
			return next, <-done
		}
	}
}

// reread reads the config file and, if it is right, has it run. systemd, which is told that
// a reload begins, is told of its end by the agent that runs on the new config, or else here.
func (r *runner) reread() (err error) {
	if _, err := sdnotify.SdNotify(false, sdnotify.SdNotifyReloading); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer func() {
		if err != nil {
			_, tellErr := sdnotify.SdNotify(false, sdnotify.SdNotifyReady)
			err = errors.Join(err, tellErr)
		}
	}()
	cfg, err := loadConfig(r.path)
	if err != nil {
		return err
	}
	select {
	case r.reload <- cfg:
	default:
		return errors.New("another reload is under way")
	}
	return nil
}

// newLog makes the logger that the config asks for, on standard error.
func newLog(cfg *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // the config allows the words that slog knows
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
