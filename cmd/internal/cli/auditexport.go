package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// AuditExportCmd is `kutse audit export`.
type AuditExportCmd struct {
	Dir  string `arg:"" help:"Folder to write to; what is there already is continued."`
	Year []int  `placeholder:"YEAR" help:"Only the logs of these years."`
}

// Help implements kong.HelpProvider.
func (AuditExportCmd) Help() string {
	return `Writes checkpoints, tiles and entries (C2SP tlog-tiles) and the keys, one folder a year. Again, it fetches what is new. What is there is never overwritten: a log that takes something back or changes it is refused, and the record is named.

Example:
  kutse audit export ./log --as n-c46b`
}

// exported is what was written of one log.
type exported struct {
	Year  int   `json:"year"`
	Size  int64 `json:"size"`
	Files int   `json:"files"`
}

// Run writes the log.
func (c *AuditExportCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	door := &logFiles{asker: a, out: out}
	if err := door.enter(ctx); err != nil {
		return err
	}
	logs, err := merkle.Logs(ctx, door)
	if err != nil {
		return err
	}
	logs = slices.DeleteFunc(logs, func(l merkle.Published) bool {
		return len(c.Year) > 0 && !slices.ContainsFunc(c.Year, func(y int) bool { return fmt.Sprintf("%04d", y) == l.Year })
	})
	list := []exported{}
	tell := newTally(out)
	for _, l := range logs {
		done, err := merkle.Mirror(ctx, c.Dir, l, tell.of("records", l.Year))
		tell.clear()
		if err != nil {
			return err
		}
		list = append(list, exported{done.Year, done.Size, done.Files})
	}
	var rows [][]string
	for _, e := range list {
		rows = append(rows, []string{strconv.Itoa(e.Year), strconv.FormatInt(e.Size, 10), strconv.Itoa(e.Files)})
	}
	return out.Table(list, []string{"LOG", "RECORDS", "FILES WRITTEN"}, rows, "There is no log yet: nothing is sealed.")
}

// maxLogFile is the largest file of a log: a bundle of entries of full length.
const maxLogFile = merkle.Width * (2 + merkle.MaxEntry)

// logFiles reads the published form of logs at the door.
type logFiles struct {
	*asker
	out *Output
}

// enter finds a role that the person holds: everybody who has one may read the log.
func (l *logFiles) enter(ctx context.Context) (err error) {
	for _, l.role = range person.Roles() {
		if err = l.ask(ctx, "log", "keys", request.Nothing{}, nil); fault.Of(err) != fault.Forbidden {
			return err
		}
	}
	return fault.Forbidden.Because(err, "%s holds no role in the record; an operator can add one", l.UID())
}

// ReadFile implements merkle.Source.
func (l *logFiles) ReadFile(ctx context.Context, name string) ([]byte, error) {
	var file []byte
	for {
		piece, err := l.bytes(ctx, "log", "read", request.ReadLog{Path: name, Offset: int64(len(file))})
		if fault.Of(err) == fault.NotFound {
			return nil, fmt.Errorf("%w: %w", err, fs.ErrNotExist)
		}
		if err != nil {
			return nil, err
		}
		if len(piece) == 0 {
			l.look(name, file)
			return file, nil
		}
		if file = append(file, piece...); len(file) > maxLogFile {
			return nil, fmt.Errorf("%s is larger than any file of a log", name)
		}
	}
}

// look says which records the door no longer has: it leaves an empty entry in their
// place, so that the rest can be had, and verify finds it.
func (l *logFiles) look(name string, file []byte) {
	year, path, _ := strings.Cut(name, "/")
	t, err := merkle.ParsePath(path)
	if err != nil || t.Level != merkle.EntriesLevel {
		return
	}
	entries, err := merkle.DecodeBundle(file, t.Width)
	if err != nil {
		return
	}
	for i, e := range entries {
		if len(e) == 0 {
			l.out.Tell("record %d of %s is not in the record any more: an empty entry stands in its place", t.N<<merkle.Height+int64(i), year)
		}
	}
}

// AuditKeysCmd is `kutse audit keys`.
type AuditKeysCmd struct{}

// Help implements kong.HelpProvider.
func (AuditKeysCmd) Help() string {
	return `Keep the first key of each log where the operator cannot change it: kutse audit verify --key takes it, and believes the later ones by what it handed over.

Example:
  kutse audit keys --as n-c46b`
}

// Run lists the keys.
func (*AuditKeysCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	list, err := inAnyRole[request.LogKeys](ctx, g, "log", "keys", request.Nothing{})
	if err != nil {
		return err
	}
	return out.Value(list, func(w io.Writer) error {
		if len(list.Logs) == 0 {
			_, err := io.WriteString(w, "There is no log yet: nothing is sealed.\n")
			return err
		}
		var rows [][]string
		for _, l := range list.Logs {
			rows = append(rows, []string{l.Origin, fmt.Sprintf("%d records", l.Size)})
			for _, k := range l.Keys {
				rows = append(rows, []string{"  " + k})
			}
		}
		return writeRows(w, rows)
	})
}

// writeRows writes rows without aligning them: keys are longer than any column.
func writeRows(w io.Writer, rows [][]string) error {
	for _, r := range rows {
		if _, err := io.WriteString(w, strings.Join(r, "  ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}
