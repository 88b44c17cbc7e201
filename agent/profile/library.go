package profile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent/config"
)

// Library is the profiles in a directory, one file ID.yaml each, as config.Known wants them.
type Library struct {
	dir   fs.FS
	known config.Known
}

var _ config.Profiles = (*Library)(nil)

// NewLibrary is the profiles in dir. Of k it needs the kinds of alarm. A file is read when
// its profile is asked for.
func NewLibrary(dir fs.FS, k config.Known) *Library {
	return &Library{dir, config.Known{Alarms: k.Alarms}}
}

// Names lists the ids, sorted. A directory that cannot be read has none.
func (l *Library) Names() []string {
	files, err := fs.Glob(l.dir, "*.yaml")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".yaml")
	}
	slices.Sort(files)
	return files
}

// Open reads a profile.
func (l *Library) Open(id string) (*Profile, error) {
	text, err := fs.ReadFile(l.dir, id+".yaml")
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return Parse("profiles/"+id+".yaml", text, l.known)
}

// Profile implements config.Profiles.
func (l *Library) Profile(id string) (config.Profile, error) {
	p, err := l.Open(id)
	return known(p, err)
}

// Parse implements config.Profiles.
func (l *Library) Parse(file string, text []byte) (config.Profile, error) {
	p, err := Parse(file, text, l.known)
	return known(p, err)
}

func known(p *Profile, err error) (config.Profile, error) {
	if err != nil {
		return config.Profile{}, err
	}
	return config.Profile{Limits: p.Alarms(), Facts: p}, nil
}
