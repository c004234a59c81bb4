package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/cmd/internal/sealer"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestARestoreIsAcceptedLoudly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	accept := func() (string, int) {
		stdout, stderr, code := kutse(t.Context(), "audit", "accept-restore", "--log-keys", dir, "--year", "2031")
		return stdout + stderr, code
	}
	if said, code := accept(); code != 4 || !strings.Contains(said, "remembers nothing") {
		t.Errorf("with nothing signed: exit %d, %s", code, said)
	}
	keys, err := sealer.OpenKeyring(dir, "kutse.test")
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Signing(2031, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: s.Origin, Size: 41}, s.Now.Signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(c); err != nil {
		t.Fatal(err)
	}
	if said, code := accept(); code != 0 || !strings.Contains(said, "kutse.test/audit/2031 was signed at 41 records") || !strings.Contains(said, "MAY NOW CONTRADICT") {
		t.Errorf("exit %d, %s", code, said)
	}
	if _, err := os.Stat(filepath.Join(dir, "2031.checkpoint")); !os.IsNotExist(err) {
		t.Errorf("the checkpoint still binds (%v)", err)
	}
}
