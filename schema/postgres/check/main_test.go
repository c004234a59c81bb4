package check

import (
	"fmt"
	"os"
	"testing"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
)

// keyFolder holds the key-encryption key of this test process and the files of the
// record that every test has a copy of.
var keyFolder string

func TestMain(m *testing.M) {
	var err error
	if keyFolder, err = os.MkdirTemp("", "kutse-check-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := pgtest.Main(m)
	_ = os.RemoveAll(keyFolder)
	os.Exit(code)
}
