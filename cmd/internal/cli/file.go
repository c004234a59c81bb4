package cli

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// FileFlags say which file to fetch, and where to.
type FileFlags struct {
	SHA256 canon.Digest `arg:"" name:"sha256" help:"SHA-256 of the file, as the evidence names it."`
	Out    string       `short:"o" required:"" placeholder:"FILE" help:"Write it there; an existing file is left alone."`
}

// fetch reads the file in pieces and writes it once it is whole and is what its
// digest says.
func (f *FileFlags) fetch(ctx context.Context, g *Globals, out *Output, role person.Role, q request.ReadFile) error {
	if err := vacant(f.Out); err != nil {
		return err
	}
	a, err := g.dial(role)
	if err != nil {
		return err
	}
	defer a.Close()
	q.File = f.SHA256
	return a.save(ctx, out, f.Out, q.File, func(ctx context.Context, offset int64) ([]byte, error) {
		q.Offset = offset
		return a.bytes(ctx, "file", "read", q)
	})
}

// vacant says whether nothing is at path yet.
func vacant(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fault.Conflict.New("there is something at %s already; it is not overwritten", path)
	}
	return nil
}

// piece asks for the bytes from an offset on; none is the end.
type piece func(ctx context.Context, offset int64) ([]byte, error)

// save writes what comes in pieces to path, once it is whole and is what its digest
// says.
func (a *asker) save(ctx context.Context, out *Output, path string, digest canon.Digest, next piece) error {
	part, err := os.CreateTemp(filepath.Dir(path), ".kutse-*")
	if err != nil {
		return fault.Invalid.Because(err, "nothing can be written to %s: %v", filepath.Dir(path), err)
	}
	defer func() { _ = os.Remove(part.Name()) }() // gone already when all went well
	size, err := download(ctx, out, digest, next, part)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return fault.Invalid.Because(err, "the file cannot be written to %s: %v", path, err)
	}
	return out.Value(map[string]any{"file": path, "size": size, "sha256": digest}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: %d bytes\n", path, size)
		return err
	})
}

func download(ctx context.Context, out *Output, digest canon.Digest, next piece, to io.Writer) (size int64, err error) {
	tell := newProgress(out, digest.String()[:12], "read")
	h := sha256.New()
	for {
		bytes, err := next(ctx, size)
		if err != nil {
			return size, err
		}
		if len(bytes) == 0 {
			tell.clear()
			break
		}
		if _, err := io.MultiWriter(to, h).Write(bytes); err != nil {
			return size, fmt.Errorf("writing the file: %w", err)
		}
		size += int64(len(bytes))
		tell.at(size, 0) // the door does not say how much there is
	}
	if got := canon.Digest(h.Sum(nil)); got != digest {
		return size, fmt.Errorf("the file that came has the SHA-256 %s: it is not the one that was asked for", got)
	}
	return size, nil
}

// bytes asks for what comes as it is and not as JSON.
func (a *asker) bytes(ctx context.Context, resource, verb string, q any) ([]byte, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.Raw(ctx, &nats.Msg{Subject: request.Subject(a.role, a.UID(), resource, verb), Data: body})
}

// withPatience makes a context that ends when alive is not called for as long as
// the patience lasts.
func withPatience(ctx context.Context, patience time.Duration) (_ context.Context, alive, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() {
		cancel(fault.Unavailable.New("nothing arrived for %v; the same command goes on where this one stopped", patience))
	})
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); cancel(nil) }
}

// patienceOver says that the patience is over, where that is why err came.
func patienceOver(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, fault.Unavailable) {
		return cause
	}
	return err
}

// progress tells how far something large has come: on a terminal as it goes,
// elsewhere not at all.
type progress struct {
	out        *Output
	name, verb string
	live       bool
}

func newProgress(out *Output, name, verb string) *progress {
	return &progress{out: out, name: name, verb: verb, live: isTerminal(out.Stderr)}
}

func (p *progress) at(done, size int64) {
	if size > 0 && done >= size {
		p.clear()
		p.out.Tell("%s: %d bytes %s", p.name, size, p.verb)
		return
	}
	if !p.live {
		return
	}
	text := fmt.Sprintf("\r%s: %d bytes %s", printable(oneLine(p.name)), done, p.verb)
	if size > 0 {
		text = fmt.Sprintf("\r%s: %d%% %s", printable(oneLine(p.name)), done*100/size, p.verb)
	}
	_, _ = io.WriteString(p.out.Stderr, text) // talk
}

// clear takes the line back to its beginning.
func (p *progress) clear() {
	if p.live {
		_, _ = io.WriteString(p.out.Stderr, "\r") // talk
	}
}

// isTerminal says whether somebody watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
