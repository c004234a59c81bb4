package wire

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/retention"
)

// A process that was killed between an erasure and its files leaves them; the next
// one that begins removes them, and drops the readings whose term is over.
func TestABeginningProcessDoesWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	left := person.ID("gone")
	if _, err := s.record.AddPerson(t.Context(), postgrestest.Operator, request.AddPerson{
		Acting: postgrestest.NewID(), Person: left, Name: "Somebody", Roles: []person.Role{person.Candidate},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.record.ErasePerson(t.Context(), postgrestest.Auditor, request.ErasePerson{
		Acting: postgrestest.NewID(), Person: left, Ground: retention.ByOrder, Reference: "2-1/7",
	}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.blobs, string(left))
	if err := os.MkdirAll(filepath.Join(folder, "ab"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ab", "left"), []byte("sealed"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the files of %s are still in %s", left, folder)
		}
	}
}
