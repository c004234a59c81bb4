// Package config is what an operator can set. The structs are the manual: kong
// makes the help and the environment variables out of them. Nothing else reads
// the environment.
package config

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Database says where the record is. A password does not belong on a command
// line: put the whole address into a file and name the file.
type Database struct {
	Database     string `help:"PostgreSQL address, as in postgres://kutse_service@db/kutse?sslmode=require." env:"KUTSE_DATABASE" placeholder:"URL"`
	DatabaseFile string `help:"File that holds the PostgreSQL address, for one with a password in it." env:"KUTSE_DATABASE_FILE" type:"path" placeholder:"FILE"`
}

// URL is the address, from wherever it was given.
func (d Database) URL() (string, error) {
	switch {
	case d.Database != "" && d.DatabaseFile != "":
		return "", fault.Invalid.New("give --database or --database-file, not both")
	case d.Database != "":
		return d.Database, nil
	case d.DatabaseFile == "":
		return "", fault.Invalid.New("say where PostgreSQL is: --database URL, or KUTSE_DATABASE; `kutse-dev` starts one of its own")
	}
	text, err := os.ReadFile(d.DatabaseFile)
	if err != nil {
		return "", fault.Invalid.Because(err, "the file with the PostgreSQL address cannot be read: %v", err)
	}
	url := strings.TrimSpace(string(text))
	if url == "" { // PostgreSQL's own defaults would lead who knows where
		return "", fault.Invalid.New("the file %s holds no PostgreSQL address", d.DatabaseFile)
	}
	return url, nil
}

// NATS says where NATS is.
type NATS struct {
	NATS string `name:"nats" help:"NATS address." env:"KUTSE_NATS" default:"nats://127.0.0.1:4222" placeholder:"URL"`
}

// Temporal says where Temporal is.
type Temporal struct {
	Temporal  string `help:"Temporal frontend." env:"KUTSE_TEMPORAL" default:"127.0.0.1:7233" placeholder:"HOST:PORT"`
	Namespace string `help:"Temporal namespace; it must exist." env:"KUTSE_NAMESPACE" default:"kutse"`
}

// Role is a part of the system that a process can run.
type Role string

// The roles.
const (
	Door   Role = "door"   // answers people's requests
	Relay  Role = "relay"  // carries facts from the record to JetStream; one works, the others stand by
	Teller Role = "teller" // tells workflows what happened
	Worker Role = "worker" // runs workflows and activities
	Sealer Role = "sealer" // seals the audit trail in its log, signs and publishes it; one works, the others stand by
)

// Roles returns every role.
func Roles() []Role { return []Role{Door, Relay, Teller, Worker, Sealer} }

// Keys says where the key is that all keys of people are wrapped under.
type Keys struct {
	KEK string `name:"kek" help:"Key-encryption key: file:PATH, made by 'kutse keys create PATH', or the address of a key service." env:"KUTSE_KEK" placeholder:"URI"`
}

// Log says how the audit trail's log is signed and where it is published.
type Log struct {
	LogKeys    string        `name:"log-keys" help:"Folder of the log's secret keys." env:"KUTSE_LOG_KEYS" type:"path" placeholder:"DIR"`
	LogHost    string        `name:"log-host" help:"Host that the logs are named by." env:"KUTSE_LOG_HOST" default:"kutse.localhost" placeholder:"HOST"`
	Publish    string        `help:"Folder to publish the log in." env:"KUTSE_PUBLISH" type:"path" placeholder:"DIR"`
	SealEvery  time.Duration `help:"How often the sealer seals." env:"KUTSE_SEAL_EVERY" default:"1s"`
	Witness    []string      `sep:"none" help:"C2SP witness to sign checkpoints." env:"KUTSE_WITNESS" placeholder:"URL"`
	WitnessKey []string      `sep:"none" help:"Its verifier key." env:"KUTSE_WITNESS_KEY" placeholder:"VKEY"`
}

// host is what an origin may begin with.
var host = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,199}$`)

// check says what is wrong with it for a sealer.
func (l Log) check() error {
	switch {
	case l.LogKeys == "":
		return fault.Invalid.New("the sealer needs a folder for the keys of the log: --log-keys DIR")
	case !host.MatchString(l.LogHost):
		return fault.Invalid.New("--log-host is a host name in lower case, not %.80q", l.LogHost)
	case l.SealEvery <= 0:
		return fault.Invalid.New("--seal-every is longer than nothing, as in 1s")
	case len(l.Witness) != len(l.WitnessKey):
		return fault.Invalid.New("each --witness URL goes with one --witness-key VKEY: there are %d and %d", len(l.Witness), len(l.WitnessKey))
	}
	for _, w := range l.Witness {
		if u, err := url.Parse(w); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fault.Invalid.New("--witness is an address of http or https, not %.200q", w)
		}
	}
	return nil
}

// Limits bound what people can send.
type Limits struct {
	MaxText       int   `help:"Bytes of a text or link; more goes as a file." env:"KUTSE_MAX_TEXT" default:"65536"`
	MaxFile       int64 `help:"Bytes of one file." env:"KUTSE_MAX_FILE" default:"104857600"`
	MaxIndicators int   `help:"Indicators of one piece of evidence." env:"KUTSE_MAX_INDICATORS" default:"100"`
	MaxUploads    int   `help:"Open uploads of one person." env:"KUTSE_MAX_UPLOADS" default:"20"`
}

// chunkBytes is how many bytes of a file one request carries: half of NATS's
// default maximum, so that headers fit beside it.
const chunkBytes = 512 << 10

// Evidence is the limits as the rules of evidence take them.
func (l Limits) Evidence() evidence.Limits {
	return evidence.Limits{TextBytes: l.MaxText, Indicators: l.MaxIndicators}
}

// Blob is the limits as the store of files takes them.
func (l Limits) Blob() blob.Limits {
	return blob.Limits{FileBytes: l.MaxFile, ChunkBytes: chunkBytes, UploadsPerPerson: l.MaxUploads}
}

// maxText is the largest text that surely fits into one request and one reply of
// 1 MB: in JSON a control character takes six bytes, and some clients write "<" so.
const maxText = 128 << 10

// Serve is what `kutse serve` needs.
type Serve struct {
	Roles []Role `help:"What this process runs: door, relay, teller, worker, sealer; all by default." env:"KUTSE_ROLES" placeholder:"ROLE"`
	Database
	NATS
	Temporal
	Keys
	Log
	CaseFiles
	Limits
	Blobs     string        `help:"Folder of the evidence files." env:"KUTSE_BLOBS" type:"path" placeholder:"DIR"`
	Pool      int           `help:"PostgreSQL connections at most." env:"KUTSE_POOL" default:"24"`
	Sweep     time.Duration `help:"How often the relay looks unasked." env:"KUTSE_SWEEP" default:"1s"`
	StopAfter time.Duration `help:"How long a stopping process finishes what it has begun." env:"KUTSE_STOP_AFTER" default:"20s"`
}

// Defaults is what `kutse serve` runs with where nothing is said, on the command
// line or in the environment.
func Defaults() (Serve, error) {
	var s Serve
	err := kong.ApplyDefaults(&s, kong.PostBuild(func(k *kong.Kong) error {
		for _, f := range k.Model.Flags {
			f.Tag.Envs = nil
		}
		return nil
	}))
	return s, err
}

// Runs says whether the process runs a role.
func (s Serve) Runs(r Role) bool { return len(s.Roles) == 0 || slices.Contains(s.Roles, r) }

// Check says what is wrong with the settings, as Invalid.
func (s Serve) Check() error {
	for _, r := range s.Roles {
		if !slices.Contains(Roles(), r) {
			return fault.Invalid.New("%q is no role; roles are %v", r, Roles())
		}
	}
	switch {
	case s.Runs(Door) && s.Blobs == "":
		return fault.Invalid.New("the door needs a folder for evidence files: --blobs DIR")
	case s.Runs(Door) && s.KEK == "":
		return fault.Invalid.New("the door needs a key-encryption key: make one with `kutse keys create PATH`, then --kek file:PATH")
	case s.MaxText < 1 || s.MaxText > maxText:
		return fault.Invalid.New("--max-text is 1 to %d", maxText)
	case s.MaxFile < 1 || s.MaxIndicators < 1 || s.MaxUploads < 1:
		return fault.Invalid.New("every limit is at least 1")
	case s.Sweep < 0 || s.StopAfter < 0:
		return fault.Invalid.New("--sweep and --stop-after are not negative")
	case s.Pool < 4:
		return fault.Invalid.New("--pool is at least 4: the relay and the sealer keep one connection each, and each act takes one")
	}
	if s.Runs(Sealer) {
		if err := s.Log.check(); err != nil {
			return err
		}
	}
	_, err := s.URL()
	return err
}
