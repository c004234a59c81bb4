package postgres_test

import (
	"os"
	"testing"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
