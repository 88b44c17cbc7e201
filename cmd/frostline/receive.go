package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/influx"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// receiver is what the flags of `receive` say, or its config file.
type receiver struct {
	Dir      string        `yaml:"dir"`
	Broker   string        `yaml:"broker"`
	ClientID string        `yaml:"client_id"`
	User     string        `yaml:"user"`
	Password string        `yaml:"password"` // or a reference to one
	CA       string        `yaml:"ca"`
	Cert     string        `yaml:"cert"`
	Key      string        `yaml:"key"`
	Topics   []string      `yaml:"topics"`
	Influx   influx.Config `yaml:"influx"`
	Listen   string        `yaml:"listen"`

	file           string
	ledger, asJSON bool
}

func receiveCommand() *cobra.Command {
	var r receiver
	r.Influx = *influx.Driver.Config().(*influx.Config)
	cmd := &cobra.Command{
		Use: "receive", Short: "Be the far side: take records from a broker, write each once, keep a ledger", Args: noArgs,
		Long: "Subscribe to any number of gateways on an MQTT broker and write each of their records once: as JSON lines in\n" +
			"the directory, or into InfluxDB. The ledger says per gateway what was expected, what came and what is missing.\n" +
			"A gateway that should always be on and says nothing is an alarm (log and alarms.jsonl) at most 90 s later.\n\n" +
			"Secrets may be references: ${env:NAME} or ${credential:NAME}.",
		Example: "  frostline receive --broker mqtts://broker.example:8883 --user receiver --password '${env:MQTT_PASSWORD}' --ca ca.pem --dir /var/lib/frostline-receive\n" +
			"  frostline receive --ledger --dir /var/lib/frostline-receive",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.ledger {
				return r.printLedger(cmd)
			}
			if r.file != "" {
				if err := r.load(); err != nil {
					return usage(err)
				}
			}
			if r.Broker == "" {
				return usagef("which broker? say --broker mqtts://HOST:8883")
			}
			return r.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&r.file, "config", "c", "", "YAML file with the same settings (dir, broker, client_id, user, password, ca, cert, key, topics, influx, listen)")
	f.StringVar(&r.Dir, "dir", "frostline-receive", "directory of the ledger and the records")
	f.StringVar(&r.Broker, "broker", "", "URL of the broker: mqtt://HOST:1883 or mqtts://HOST:8883")
	f.StringVar(&r.ClientID, "client-id", "frostline-receive", "MQTT client id; the broker keeps this client's session")
	f.StringVar(&r.User, "user", "", "user name at the broker")
	f.StringVar(&r.Password, "password", "", "password at the broker, or a reference to it")
	f.StringVar(&r.CA, "ca", "", "PEM file of the authorities to trust")
	f.StringVar(&r.Cert, "cert", "", "PEM file of our certificate")
	f.StringVar(&r.Key, "key", "", "PEM file of its key")
	f.StringSliceVar(&r.Topics, "topics", nil, "MQTT topic filters (default: those of every gateway)")
	f.StringVar(&r.Influx.URL, "influx", "", "write into this InfluxDB instead of JSON lines")
	f.StringVar(&r.Influx.Org, "influx-org", "", "its organization")
	f.StringVar(&r.Influx.Bucket, "influx-bucket", "", "its bucket")
	f.StringVar(&r.Influx.Token, "influx-token", "", "its token, or a reference to it")
	f.StringVar(&r.Influx.CA, "influx-ca", "", "PEM file of the authorities to trust")
	f.StringVar(&r.Listen, "listen", "", "serve the ledger as JSON at http://ADDRESS/ledger (loopback only)")
	f.BoolVar(&r.ledger, "ledger", false, "print the ledger of the directory and end")
	f.BoolVar(&r.asJSON, "json", false, "with --ledger: print JSON")
	return cmd
}

// load reads the config file on top of the flags. An unknown key is an error with its place.
func (r *receiver) load() error {
	text, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(text, r, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	return nil
}

func (r *receiver) run(ctx context.Context) error {
	ignorePipes()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	password, err := config.Resolve(r.Password)
	if err != nil {
		return usage(err)
	}
	broker := mqttconn.Options{
		URL: r.Broker, ClientID: r.ClientID, User: r.User, Password: password, CA: r.CA, Cert: r.Cert, Key: r.Key,
	}
	if err := broker.Check(); err != nil {
		return usage(err)
	}
	system := clock.NewSystem(buildDate())
	rec, err := receive.New(receive.Options{
		Dir: r.Dir, Broker: broker, Filters: r.Topics, Clock: system, Log: log, Sink: r.sink(log),
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return system.Run(ctx, func(clock.Change) {}) })
	g.Go(func() error { return rec.Run(ctx) })
	if r.Listen != "" {
		g.Go(func() error { return serveLedger(ctx, r.Listen, rec) })
	}
	if _, err := sdnotify.SdNotify(false, sdnotify.SdNotifyReady); err != nil {
		log.Warn("systemd cannot be told", slog.Any("err", err))
	}
	return g.Wait()
}

// sink writes JSON lines, or into InfluxDB.
func (r *receiver) sink(log *slog.Logger) func(func(*wire.Batch)) (receive.Sink, error) {
	if r.Influx.URL == "" {
		return func(add func(*wire.Batch)) (receive.Sink, error) { return receive.OpenLines(r.Dir, add) }
	}
	return func(func(*wire.Batch)) (receive.Sink, error) {
		if err := r.Influx.Validate(); err != nil {
			return nil, usage(err)
		}
		return receive.NewForwarded(r.Dir, func(ctx context.Context, g wire.Gateway, defs upstream.Definitions) (upstream.Upstream, error) {
			c := r.Influx
			return influx.Driver.Open(ctx, upstream.Host{
				ID: "receive", Site: g.Site, Gateway: g.Gateway, Definitions: defs, Secret: config.Resolve,
				Meter: unmetered{}, Conditions: logged{log}, Log: log,
			}, &c)
		}, log), nil
	}
}

// unmetered counts nothing: the far side has no byte limit.
type unmetered struct{}

func (unmetered) Add(int, int) {}

// logged tells conditions to the journal.
type logged struct{ log *slog.Logger }

func (l logged) Raise(code, detail string) {
	l.log.Warn("condition raised", slog.String("condition", code), slog.String("detail", detail))
}

func (l logged) Clear(string) {}

func serveLedger(ctx context.Context, listen string, rec *receive.Receiver) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return usagef("--listen %s: want a loopback address and a port, such as 127.0.0.1:8471", listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("serve the ledger: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(rec.Ledger().Accounts()) // the reader may be gone
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the ledger: %w", err)
	}
	return nil
}

func (r *receiver) printLedger(cmd *cobra.Command) error {
	pages, err := receive.ReadLedger(r.Dir)
	if err != nil {
		return fmt.Errorf("read the ledger in %s: %w", filepath.Clean(r.Dir), err)
	}
	if r.asJSON {
		return printJSON(cmd.OutOrStdout(), pages)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "GATEWAY\tSTATE\tLAST SEEN\tEXPECTED\tRECEIVED\tMISSING\tGONE\tDOUBLED")
	for _, p := range pages {
		state := cmp.Or(string(p.State), "-")
		fmt.Fprintf(w, "%s/%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", p.Site, p.Gateway, state, clockTime(p.LastSeen),
			p.Expected, p.Received, p.Missing, p.Gone, p.Doubled)
		for _, e := range p.Epochs {
			for _, m := range e.Missing {
				fmt.Fprintf(w, "  missing\t%s/%d-%d\t\t\t\t\t\t\n", e.Epoch, m.First, m.Last)
			}
		}
	}
	return w.Flush()
}
