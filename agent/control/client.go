package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Errors of a Client. Anything else is what the agent answered.
var (
	ErrUnreachable  = errors.New("agent not reachable")
	ErrNotPermitted = errors.New("not permitted")
)

// Client speaks to the agent whose store is in one directory.
type Client struct {
	http *http.Client
	dir  string
}

// NewClient makes a client; the first call connects.
func NewClient(dir string) *Client {
	c := &Client{dir: dir}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) }
	c.http = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return c
}

// dial connects to the agent's socket in its store's directory, or where it stands if that
// cannot hold it. The error is that of the store's directory.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(c.dir, SocketName))
	if err == nil || !nobody(err) {
		return conn, err
	}
	for _, path := range sparePaths(c.dir) {
		if spare, spareErr := d.DialContext(ctx, "unix", path); spareErr == nil {
			return spare, nil
		}
	}
	return nil, err
}

// nobody reports whether err says that there is no socket, or that nobody listens on it.
func nobody(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOTDIR)
}

// Answers reports whether an agent listens, and lets this user in.
func (c *Client) Answers() bool {
	conn, err := c.dial(context.Background())
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was written
	return true
}

// Get asks for path, such as "status", and decodes the answer into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, nil, out)
}

// Post sends in to path, such as "ack", and decodes the answer into out.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("control: request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, bytes.NewReader(body), out)
}

// Tail calls line for each committed record, one JSON object each, until ctx is done (it
// then returns nil), line fails or the agent ends.
func (c *Client) Tail(ctx context.Context, line func([]byte) error) error {
	resp, err := c.request(ctx, http.MethodGet, "tail", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 1<<20)
	for ctx.Err() == nil && scan.Scan() {
		if err := line(scan.Bytes()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("control: tail: %w", err)
	}
	return fmt.Errorf("control: tail: %w: it ended", ErrUnreachable)
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, out any) error {
	resp, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("control: answer of %s: %w", path, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://frostline/v1/"+path, body)
	if err != nil {
		return nil, fmt.Errorf("control: request: %w", err)
	}
	resp, err := c.http.Do(req)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("control: %w: %s is for the group frostline", ErrNotPermitted, filepath.Join(c.dir, SocketName))
	case nobody(err):
		return nil, fmt.Errorf("control: %w: nobody answers on %s", ErrUnreachable, filepath.Join(c.dir, SocketName))
	case err != nil:
		return nil, fmt.Errorf("control: %s: %w", path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var reply ErrorReply
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&reply); err != nil {
		return nil, fmt.Errorf("control: %s: answered %s", path, resp.Status)
	}
	switch resp.StatusCode {
	case http.StatusBadRequest:
		return nil, fmt.Errorf("%w: %s", ErrUsage, strings.TrimPrefix(reply.Error, ErrUsage.Error()+": "))
	case http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", ErrNotPermitted, strings.TrimPrefix(reply.Error, ErrNotPermitted.Error()+": "))
	}
	return nil, errors.New(reply.Error)
}
