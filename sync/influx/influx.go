// Package influx brings records to an InfluxDB over its v2 write API, which 1.8 speaks too.
//
// A record is one line with a timestamp of its own, so a replay overwrites itself and an
// unknown end is simply sent again. InfluxDB names no rejected lines in a way to rely on, and
// the 1.x line keeps the rest of a batch that it answers with 400: so a refused batch is
// bisected down to the record.
//
// Only the blocking write API of the client library is used: its asynchronous one drops
// what it cannot deliver.
package influx

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/frostline/frostline/sync/upstream"
)

// Driver is `driver: influx`.
var Driver = upstream.Define("influx", Config{
	Gzip:    GzipOn,
	Timeout: 20 * time.Second,
}, open)

// Config is what an operator can set.
type Config struct {
	URL     string        `yaml:"url,required" doc:"The server: http:// or https://HOST:8086, with the path of a proxy if there is one." example:"https://influx.example:8086"`
	Org     string        `yaml:"org" doc:"Organization. InfluxDB 1.8 has none."`
	Bucket  string        `yaml:"bucket,required" doc:"Bucket. For InfluxDB 1.8: DATABASE/RETENTION-POLICY, or DATABASE." example:"cold"`
	Token   string        `yaml:"token" doc:"Token that may write to the bucket; a reference to a secret. For InfluxDB 1.8: USER:PASSWORD." like:"${credential:influx-token}"`
	CA      string        `yaml:"ca" doc:"PEM file of the authorities that may have signed the server's certificate. Without it, the system's."`
	Gzip    string        `yaml:"gzip" doc:"Whether batches are compressed." enum:"on,off"`
	Timeout time.Duration `yaml:"timeout" doc:"How long the server may take to answer."`
}

// The words of Config.Gzip.
const (
	GzipOn  = "on"
	GzipOff = "off"
)

// Validate reports everything that is wrong with the settings.
func (c *Config) Validate() error {
	var errs []error
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		errs = append(errs, errors.New("url is not a url"))
	case u.Scheme != "http" && u.Scheme != "https":
		errs = append(errs, fmt.Errorf("url scheme %q: want http or https", u.Scheme))
	case u.Hostname() == "":
		errs = append(errs, errors.New("url has no host"))
	case u.User != nil:
		errs = append(errs, errors.New("url holds a user: use token"))
	case u.RawQuery != "" || u.Fragment != "":
		errs = append(errs, errors.New("url has a query or a fragment"))
	}
	if c.Bucket == "" {
		errs = append(errs, errors.New("no bucket"))
	}
	if c.Gzip != GzipOn && c.Gzip != GzipOff {
		errs = append(errs, fmt.Errorf("gzip %q: want on or off", c.Gzip))
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout %v: want more than 0", c.Timeout))
	}
	return errors.Join(errs...)
}

func open(_ context.Context, h upstream.Host, c Config) (upstream.Upstream, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newUpstream(h, c), nil
}
