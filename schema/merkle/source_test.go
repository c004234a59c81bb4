package merkle_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestAFolderEndsAtItsEdge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside := filepath.Join(dir, "log")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"secret": "secret", "log/checkpoint": "content"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	src := merkle.Dir(inside)
	if b, err := src.ReadFile(t.Context(), "checkpoint"); string(b) != "content" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	for _, name := range []string{"../secret", "link", "/secret", "", ".", "a//b"} {
		if b, err := src.ReadFile(t.Context(), name); err == nil {
			t.Errorf("%q was read: %q", name, b)
		}
	}
	if _, err := src.ReadFile(t.Context(), "tile/0/000"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
	large, err := os.Create(filepath.Join(inside, "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	if _, err := src.ReadFile(t.Context(), "large"); fault.Of(err) != fault.Invalid {
		t.Errorf("a file larger than any of a log: got %v, want invalid", err)
	}
}

// serve serves a folder.
func serve(t testing.TB, h http.Handler) merkle.Source {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	src, err := merkle.Open(s.URL + "/logs/")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestALogBehindHTTP(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := newBook(t, 700)
	b.publish(t, root)
	src := serve(t, http.StripPrefix("/logs/", http.FileServer(http.Dir(root))))
	logs, err := merkle.Logs(t.Context(), src)
	if err != nil || len(logs) != 1 || logs[0].Year != "2026" {
		t.Fatalf("got %v, %v; want the log of 2026", logs, err)
	}
	older := b.rebuilt(t, func(e [][]byte) [][]byte { e[17] = rewritten(t, 17); return e[:600] }).publish(t, t.TempDir())
	r, err := merkle.Verify(t.Context(), logs[0].Source, merkle.Options{Keys: []string{b.vkey()}})
	if err != nil || !r.OK() {
		t.Errorf("got %v, %v", r.Faults, err)
	}
	r, err = merkle.Verify(t.Context(), merkle.Dir(older), merkle.Options{Against: []merkle.Source{src}})
	if first, _ := r.First(); err != nil || first.Position != 17 || r.Compared != 1 {
		t.Errorf("against the one behind HTTP: got %v, %v; want record 17", r.Faults, err)
	}
}

func TestAServerThatIsNotWell(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/logs/busy":
			if asked.Add(1) < 3 {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			_, _ = w.Write([]byte("here"))
		case "/logs/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/logs/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/logs/large":
			chunk := make([]byte, 1<<20)
			for range 20 {
				_, _ = w.Write(chunk)
			}
		case "/logs/moved":
			http.Redirect(w, r, "/logs/busy", http.StatusFound)
		case "/logs/away":
			http.Redirect(w, r, "http://127.0.0.1:1/logs/busy", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	for _, name := range []string{"busy", "moved"} {
		if b, err := src.ReadFile(t.Context(), name); string(b) != "here" || err != nil {
			t.Errorf("%s: got %q, %v", name, b, err)
		}
	}
	if _, err := src.ReadFile(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v, want that it is not there", err)
	}
	for name, want := range map[string]fault.Kind{"broken": fault.Unavailable, "large": fault.Invalid, "forbidden": "", "../x": fault.Invalid} {
		if _, err := src.ReadFile(t.Context(), name); err == nil || fault.Of(err) != want {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if b, err := src.ReadFile(t.Context(), "away"); err == nil {
		t.Errorf("another host was asked, and gave %q", b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.ReadFile(ctx, "broken"); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: got %v", err)
	}
}

func TestWhereALogIs(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"ftp://kutse.example/", "https://", "http://kutse.example/?q", "https://kutse.example/#x"} {
		if _, err := merkle.Open(bad); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v, want invalid", bad, err)
		}
	}
	for where, want := range map[string]merkle.Dir{"file:///srv/log": "/srv/log", "file://localhost/srv/log": "/srv/log", "log": "log"} {
		if got, err := merkle.Open(where); got != want || err != nil {
			t.Errorf("%s: got %v, %v; want %v", where, got, err, want)
		}
	}
}

func TestWhatIsPublished(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := merkle.Logs(t.Context(), merkle.Dir(root)); fault.Of(err) != fault.NotFound {
		t.Errorf("nothing: got %v, want not found", err)
	}
	dir := newBook(t, 3).publish(t, root)
	if logs, err := merkle.Logs(t.Context(), merkle.Dir(dir)); err != nil || len(logs) != 1 || logs[0].Year != "" {
		t.Errorf("one log: got %v, %v", logs, err)
	}
	// A year that the list names was there once.
	if err := os.WriteFile(filepath.Join(root, "logs"), []byte("2025\n2026\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs, err := merkle.Logs(t.Context(), merkle.Dir(root))
	if err != nil || len(logs) != 2 || logs[0].Year != "2025" || logs[1].Year != "2026" {
		t.Fatalf("got %v, %v; want 2025 and 2026", logs, err)
	}
	if _, err := merkle.Verify(t.Context(), logs[0].Source, merkle.Options{}); fault.Of(err) != fault.NotFound {
		t.Errorf("the year taken away: got %v, want not found", err)
	}
	if err := os.WriteFile(filepath.Join(root, "logs"), []byte("../2025\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := merkle.Logs(t.Context(), merkle.Dir(root)); fault.Of(err) != fault.Invalid {
		t.Errorf("a list of something else: got %v, want invalid", err)
	}
}
