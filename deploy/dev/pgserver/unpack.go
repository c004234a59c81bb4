package pgserver

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// kept is the only part of the package that we need.
const kept = "package/native/"

const linksName = "pg-symlinks.json"

// unpack writes the servers' files from an npm tarball to dir. Everything goes
// through os.Root, so that no name in the tarball can lead outside.
func unpack(tarball, dir string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := untar(root, tar.NewReader(zr)); err != nil {
		return err
	}
	return link(root)
}

func untar(root *os.Root, tr *tar.Reader) error {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(h.Name, kept)
		if !ok || name == "" || strings.HasSuffix(name, ".a") || h.Typeflag == tar.TypeDir {
			continue
		}
		// npm packs regular files only; a link here would be somebody's trick.
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			return fmt.Errorf("refusing the entry %q", h.Name)
		}
		if err := writeFile(root, name, h.FileInfo().Mode().Perm()&0o111|0o644, tr); err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, mode fs.FileMode, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// link makes the symlinks that npm cannot carry; without them the server does
// not find its libraries.
func link(root *os.Root) error {
	text, err := root.ReadFile(linksName)
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("reading %s: %w", linksName, err)
	}
	for _, l := range links {
		source, target := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("refusing the link %q to %q", l.Target, l.Source)
		}
		relative, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(relative, target); err != nil {
			return err
		}
	}
	return nil
}

// manifestName lists what was unpacked. It tells a damaged cache from a whole
// one; against somebody who can write there it is no protection.
const manifestName = "manifest.json"

func writeManifest(dir string) error {
	m, err := describe(dir)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), text, 0o644)
}

func verifyManifest(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return err
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		return fmt.Errorf("%s is damaged: %w", dir, err)
	}
	got, err := describe(dir)
	if err != nil {
		return fmt.Errorf("%s is damaged: %w", dir, err)
	}
	for name, sum := range want {
		if got[name] != sum {
			return fmt.Errorf("%s is damaged: %s is not what was unpacked", dir, name)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s is damaged: it holds files that were not unpacked", dir)
	}
	return nil
}

// describe maps each file to its digest and each link to where it leads.
func describe(dir string) (map[string]string, error) {
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil || name == manifestName {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(p)
			m[name] = "link " + to
			return err
		}
		m[name], err = digest(p)
		return err
	})
	return m, err
}

func digest(p string) (string, error) {
	f, err := os.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
