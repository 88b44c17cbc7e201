package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/frostline/frostline/agent/control"
)

func TestSpareSocket(t *testing.T) {
	for name, refusal := range map[string]error{"read-only": syscall.EROFS, "full": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			dir, runtime := t.TempDir(), t.TempDir()
			refusing := func(network, address string) (net.Listener, error) {
				if strings.HasPrefix(address, dir) {
					return nil, &net.OpError{Op: "listen", Net: network, Err: refusal}
				}
				return net.Listen(network, address)
			}
			log := slog.New(slog.DiscardHandler)
			t.Setenv("RUNTIME_DIRECTORY", "")
			if _, err := control.ListenWith(refusing, dir, control.Agent{}, log); !errors.Is(err, refusal) {
				t.Fatalf("without a runtime directory: %v, want %v", err, refusal)
			}
			t.Setenv("RUNTIME_DIRECTORY", runtime+":/elsewhere")
			agent := control.Agent{Status: func(context.Context) (control.Status, error) { return control.Status{Site: "s1"}, nil }}
			s, err := control.ListenWith(refusing, dir, agent, log)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}()
			var got control.Status
			if err := control.NewClient(dir).Get(t.Context(), "status", &got); err != nil || got.Site != "s1" {
				t.Errorf("%+v, %v", got, err)
			}
			if !control.NewClient(dir).Answers() {
				t.Error("the agent does not answer")
			}
			if control.NewClient(filepath.Join(dir, "other")).Answers() {
				t.Error("the agent answers for another store")
			}
			err = control.NewClient(t.TempDir()).Get(t.Context(), "status", &got)
			if !errors.Is(err, control.ErrUnreachable) {
				t.Errorf("another store: %v, want ErrUnreachable", err)
			}
		})
	}
}

func TestNoSpareSocketForAnyOtherRefusal(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	if _, err := control.Listen(filepath.Join(t.TempDir(), "missing"), control.Agent{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a store directory that is missing has a socket")
	}
}
