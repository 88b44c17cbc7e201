package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Agent is what the server serves: one function per verb, safe for concurrent use. An
// error that wraps ErrUsage is the caller's fault; any other is the agent's.
type Agent struct {
	Status   func(ctx context.Context) (Status, error)
	Ack      func(ctx context.Context, who Person, r AckRequest) (AckReply, error)
	Alarm    func(ctx context.Context, who Person, r AlarmRequest) (AlarmReply, error)
	Stat     func(ctx context.Context) (any, error)                          // the store's statistics
	Backup   func(ctx context.Context, who Person, file string) error        // into a new file
	Requeue  func(ctx context.Context, who Person, id string) (int64, error) // rejected records of an upstream
	Forget   func(ctx context.Context, who Person, id string) error          // an upstream that left the config
	SetClock func(ctx context.Context, who Person, wall time.Time) error     // zero: the machine's clock is right
	Reload   func(ctx context.Context, who Person) error                     // the config file
	Tail     func(ctx context.Context, line func([]byte) error) error        // one JSON record per line, as they are committed
	Trips    Trips                                                           // nil: there are none
	Drills   Drills                                                          // nil: there are none
}

// Person is who asks: the name given with --as, and the peer's user id.
type Person struct {
	Name string
	UID  int
}

// ErrUsage is wrapped by errors that are the caller's fault.
var ErrUsage = errors.New("wrong request")

// Server answers on the control socket.
type Server struct {
	agent    Agent
	listener net.Listener
	log      *slog.Logger
}

// Listen makes the socket in dir, in the place of one that nobody answers on any more.
// The caller holds the store's lock, so that no other agent's socket is taken away. Where the
// file system of dir is read-only or full, the socket stands in systemd's runtime directory.
func Listen(dir string, a Agent, log *slog.Logger) (*Server, error) {
	return listenWith(net.Listen, dir, a, log)
}

func listenWith(listen func(network, address string) (net.Listener, error), dir string, a Agent, log *slog.Logger) (*Server, error) {
	l, err := socketIn(filepath.Join(dir, SocketName), listen, log)
	if service := serviceDir(); takesNoFiles(err) && service != "" {
		name, nameErr := spareName(dir)
		if nameErr != nil {
			return nil, errors.Join(err, nameErr)
		}
		var spareErr error
		if l, spareErr = socketIn(filepath.Join(service, name), listen, log); spareErr != nil {
			return nil, errors.Join(err, spareErr)
		}
		log.Warn("control socket stands in the runtime directory", slog.String("file", filepath.Join(service, name)), slog.Any("err", err))
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return &Server{agent: a, listener: l, log: log}, nil
}

// Run serves until ctx is done and then returns nil.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ConnContext:       withPeer,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = srv.Close()
	})
	err := srv.Serve(s.listener)
	if !stop() {
		<-stopped
	}
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("control: serve: %w", err)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", get(s.agent.Status))
	mux.HandleFunc("GET /v1/store", get(s.agent.Stat))
	mux.HandleFunc("POST /v1/ack", post(func(ctx context.Context, uid int, r AckRequest) (AckReply, error) {
		return s.agent.Ack(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/alarm", post(func(ctx context.Context, uid int, r AlarmRequest) (AlarmReply, error) {
		return s.agent.Alarm(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/store/backup", post(func(ctx context.Context, uid int, r BackupRequest) (CountReply, error) {
		return CountReply{}, s.agent.Backup(ctx, Person{r.By, uid}, r.File)
	}))
	mux.HandleFunc("POST /v1/store/requeue", post(func(ctx context.Context, uid int, r UpstreamRequest) (CountReply, error) {
		n, err := s.agent.Requeue(ctx, Person{r.By, uid}, string(r.Upstream))
		return CountReply{n}, err
	}))
	mux.HandleFunc("POST /v1/store/forget", post(func(ctx context.Context, uid int, r UpstreamRequest) (CountReply, error) {
		return CountReply{}, s.agent.Forget(ctx, Person{r.By, uid}, string(r.Upstream))
	}))
	mux.HandleFunc("POST /v1/clock", post(func(ctx context.Context, uid int, r ClockRequest) (CountReply, error) {
		return CountReply{}, s.agent.SetClock(ctx, Person{r.By, uid}, r.T)
	}))
	mux.HandleFunc("POST /v1/reload", post(func(ctx context.Context, uid int, r ByRequest) (CountReply, error) {
		return CountReply{}, s.agent.Reload(ctx, Person{r.By, uid})
	}))
	mux.HandleFunc("GET /v1/tail", s.tail)
	s.tripRoutes(mux)
	s.drillRoutes(mux)
	return mux
}

func (s *Server) tail(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := http.NewResponseController(w)
	if err := flush.Flush(); err != nil {
		return
	}
	err := s.agent.Tail(r.Context(), func(line []byte) error {
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
		return flush.Flush()
	})
	if err != nil && r.Context().Err() == nil {
		s.log.Debug("tail ended", slog.Any("err", err))
	}
}

func get[T any](verb func(context.Context) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := verb(r.Context())
		reply(w, v, err)
	}
}

// post decodes the body strictly and hands the verb the peer's user id.
func post[In, Out any](verb func(context.Context, int, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			reply(w, nil, fmt.Errorf("%w: %w", ErrUsage, err))
			return
		}
		uid, _ := r.Context().Value(peerKey{}).(int)
		out, err := verb(r.Context(), uid, in)
		reply(w, out, err)
	}
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case errors.Is(err, ErrUsage):
		w.WriteHeader(http.StatusBadRequest)
	case errors.Is(err, ErrNotPermitted):
		w.WriteHeader(http.StatusForbidden)
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
	}
	if err != nil {
		v = ErrorReply{err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // the peer may be gone; there is nobody else to tell
}

type peerKey struct{}

// withPeer puts the peer's user id, as the kernel tells it, into the connection's context; -1 where it does not.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	uid := -1
	if u, ok := c.(*net.UnixConn); ok {
		if raw, err := u.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) {
				if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
					uid = int(cred.Uid)
				}
			})
		}
	}
	return context.WithValue(ctx, peerKey{}, uid)
}
