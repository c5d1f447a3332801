package change

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/kept"
)

// state is what is known of the services, as it is kept in the file.
type state struct {
	Salt     []byte              // makes digests of arguments useless for guessing secrets in them
	Services map[string]*service // :: service.name → what is known of it
}

type service struct {
	Places []*place
	Files  map[string]*file // :: path as the process names it → its last known content
}

// place is where one process of a service runs: a restart of it comes back to the same place. A service with several
// instances has several.
type place struct {
	profile
	Process host.ID
	Parent  host.ID
	Unit    string
	Group   string // container id
	Ports   []uint16
	Left    time.Time // when the process was first found gone, zero while it runs
}

// profile is what a deployment changes.
type profile struct {
	Digest     string   // SHA-256 of the program
	Program    string   // its path
	Args       []string // secrets masked
	ArgsDigest string   // of the arguments as they are
}

// file is a configuration file. Text is what of it may be kept: secrets masked, nothing at all of a file that is a secret.
type file struct {
	Digest string
	Text   string
	Kept   bool  // Text is the whole file
	Stamp  stamp // of the content that Digest is of

	root      string // prefix that makes the path readable from here
	process   *host.Process
	reader    host.User   // of process
	unsettled stamp       // seen once and not read yet: it may still be being written
	changes   []time.Time // recent ones
	ignored   bool        // it changes too often to be configuration
}

// stamp changes whenever the content may have.
type stamp struct {
	Inode, Size, Modified, Changed int64
}

const (
	// maxServices, maxPlaces and maxFiles bound the state; what is past them is not followed.
	maxServices = 1000
	maxPlaces   = 16
	maxFiles    = 16
	// keepPlace is how long an empty place is remembered beside others that are taken.
	keepPlace = 24 * time.Hour
)

const stateFile = "changes.json"

func load(f *kept.File) (*state, error) {
	s := &state{}
	found, err := f.Load(s)
	if err != nil {
		return nil, fmt.Errorf("read what is known of the services: %w", err)
	}
	if !found || s.Services == nil {
		s = &state{Services: map[string]*service{}}
	}
	if len(s.Salt) == 0 {
		s.Salt = make([]byte, 32)
		_, _ = rand.Read(s.Salt) // never fails
	}
	return s, nil
}
