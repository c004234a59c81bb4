package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// oldest is the first major version our SQL runs on.
const oldest = 15

// Version of a PostgreSQL.
type Version struct {
	Major int
	text  string // as the program states it, with the distribution's addition
}

// String implements fmt.Stringer.
func (v Version) String() string { return v.text }

// binaries is a folder with initdb and postgres in it.
type binaries struct {
	dir     string
	version Version
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// find goes through all places PostgreSQL may come from and takes the first
// that fits. A cluster that exists is only ever opened by its own major version.
func find(ctx context.Context, o Options, acc account) (binaries, error) {
	s := search{account: acc, want: clusterMajor(o.Dir), dir: o.Dir}
	if o.Binaries != "" {
		return s.configured(ctx, o.Binaries)
	}
	s.note("PG_BINDIR (unset)")
	for _, dir := range localFolders(ctx) {
		if b, ok := s.try(ctx, dir); ok {
			return b, nil
		}
	}
	s.note("local installations (" + s.placesSeen() + ")")
	if b, ok := s.fetched(ctx, o); ok {
		return b, nil
	}
	return binaries{}, s.failure()
}

type search struct {
	account
	want   int    // major version of the cluster, 0 when there is none yet
	dir    string // of the cluster
	tried  []string
	others []string // usable, but of another major version
	seen   []string
}

func (s *search) note(what string) { s.tried = append(s.tried, what) }

func (s *search) placesSeen() string {
	if len(s.seen) == 0 {
		return "PATH, pg_config, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, Homebrew, Postgres.app: none has both initdb and postgres"
	}
	return strings.Join(s.seen, "; ")
}

func (s *search) configured(ctx context.Context, dir string) (binaries, error) {
	b, ok := s.try(ctx, dir)
	if ok {
		return b, nil
	}
	if len(s.others) > 0 {
		return binaries{}, s.failure()
	}
	return binaries{}, fault.Invalid.New("PG_BINDIR=%s has no PostgreSQL %d or later that we can run: %s", dir, oldest, strings.Join(s.seen, "; "))
}

// try looks at one folder. What is wrong with it is kept for the message.
func (s *search) try(ctx context.Context, dir string) (binaries, bool) {
	v, err := s.inspect(ctx, dir)
	switch {
	case os.IsNotExist(err):
		s.seen = append(s.seen, dir+": has no initdb and postgres")
	case err != nil:
		s.seen = append(s.seen, dir+": "+err.Error())
	case v.Major < oldest:
		s.seen = append(s.seen, fmt.Sprintf("%s: version %s is too old", dir, v))
	case s.want != 0 && v.Major != s.want:
		s.seen = append(s.seen, fmt.Sprintf("%s: version %s", dir, v))
		s.others = append(s.others, fmt.Sprintf("%s in %s", v, dir))
	default:
		return binaries{dir: dir, version: v}, true
	}
	return binaries{}, false
}

func (s *search) inspect(ctx context.Context, dir string) (Version, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return Version{}, err
		}
	}
	if err := s.admit(filepath.Join(dir, "postgres")); err != nil {
		return Version{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Dir, cmd.Env = "/", environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Version{}, fmt.Errorf("does not run: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return parseVersion(string(out))
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+).*)`)

func parseVersion(out string) (Version, error) {
	m := versionPattern.FindStringSubmatch(out)
	if m == nil {
		return Version{}, fmt.Errorf("says %q, not its version", strings.TrimSpace(out))
	}
	major, err := strconv.Atoi(m[2])
	if err != nil {
		return Version{}, fmt.Errorf("reading version %q: %w", m[1], err)
	}
	return Version{Major: major, text: strings.TrimSpace(m[1])}, nil
}

// localFolders lists where an installation may be, best first.
func localFolders(ctx context.Context) []string {
	var dirs []string
	add := func(dir string) {
		// A link on PATH may stand alone: initdb is next to what it points to.
		if real, err := filepath.EvalSymlinks(dir); err == nil && !slices.Contains(dirs, real) {
			dirs = append(dirs, real)
		}
	}
	if exe, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			add(filepath.Dir(real))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		add(strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return versionIn(b) - versionIn(a) })
		for _, dir := range found {
			add(dir)
		}
	}
	return dirs
}

var digits = regexp.MustCompile(`(\d+)/bin$`)

func versionIn(path string) int {
	m := digits.FindStringSubmatch(path)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func (s *search) failure() error {
	if s.want != 0 && len(s.others) > 0 {
		return fault.Invalid.New("the cluster in %s is of PostgreSQL %d, and only other versions were found: %s. "+
			"Install PostgreSQL %d or name its folder in PG_BINDIR, or take another data folder; nothing was changed. Tried: %s",
			s.dir, s.want, strings.Join(s.others, ", "), s.want, strings.Join(s.tried, "; "))
	}
	return fault.Unavailable.New("no PostgreSQL found. Tried: %s. Do one of:\n%s", strings.Join(s.tried, "; "), advice())
}

func advice() string {
	install := "  apt-get install postgresql        (Debian, Ubuntu; the system service may stay stopped)"
	if runtime.GOOS == "darwin" {
		install = "  brew install postgresql@18"
	}
	return install + "\n  export PG_BINDIR=/folder/of/initdb/and/postgres\n  kutse-dev --database postgres://...   (one that runs already)"
}
