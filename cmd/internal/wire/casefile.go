package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
)

// MakeCaseFileKey makes the file of a key that signs the case files of a host, for its
// owner alone: the secret key in one line and the verifier key, which it returns, in
// the next. Conflict where there is something already.
func MakeCaseFileKey(path, host string) (vkey string, err error) {
	skey, vkey, err := casefile.NewKey(host)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fault.Conflict.Because(err, "there is something at %s already; it is not overwritten", path)
	}
	if err != nil {
		return "", fault.Invalid.Because(err, "the key for case files cannot be written: %v", err)
	}
	_, err = fmt.Fprintf(f, "%s\n%s\n", skey, vkey)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("writing the key for case files: %w", errors.Join(err, os.Remove(path)))
	}
	return vkey, nil
}

// caseFileKey reads the key that cfg names; the zero Key where it names none.
func caseFileKey(cfg config.CaseFiles) (casefile.Key, error) {
	if err := casefile.CheckKeys(cfg.Trust); err != nil {
		return casefile.Key{}, fmt.Errorf("--trust: %w", err)
	}
	if cfg.CaseFileKey == "" {
		return casefile.Key{}, nil
	}
	text, err := os.ReadFile(cfg.CaseFileKey)
	if err != nil {
		return casefile.Key{}, fault.Invalid.Because(err, "the key for case files cannot be read: %v", err)
	}
	skey, _, _ := strings.Cut(string(text), "\n")
	key, err := casefile.ParseKey(skey)
	if err != nil {
		return casefile.Key{}, fmt.Errorf("%s: %w", cfg.CaseFileKey, err)
	}
	return key, nil
}
