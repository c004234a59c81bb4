package wire

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// What a person did a moment ago is proved to them at the door, and stands in the
// folder that anybody can check.
func TestAnActIsProvedAtTheDoorAndPublished(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	s.serve(config.Door, config.Sealer)
	c := s.as(postgrestest.Candidate)
	receipt, err := c.Act(t.Context(), person.Candidate, "application", "open", request.OpenApplication{Acting: client.NewID(), Standard: "it-manager-7"})
	if err != nil {
		t.Fatal(err)
	}
	var keys request.LogKeys
	var proof request.Proof
	s.await("the act to be sealed", func() bool {
		return c.Ask(t.Context(), person.Candidate, "log", "prove", request.OfRecord{Record: receipt.Request}, &proof) == nil
	})
	if err := c.Ask(t.Context(), person.Candidate, "log", "keys", request.Nothing{}, &keys); err != nil || len(keys.Logs) != 1 {
		t.Fatalf("the logs are %+v (%v), want one", keys, err)
	}
	p, err := merkle.ParseProof([]byte(proof.Proof))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify([]byte(proof.Entry), keys.Logs[0].Keys); err != nil {
		t.Errorf("the proof of %s: %v", proof.Entry, err)
	}
	year := merkle.Dir(filepath.Join(s.published, fmt.Sprint(time.Now().UTC().Year())))
	s.await("the log to be published", func() bool {
		report, err := merkle.Verify(t.Context(), year, merkle.Options{Keys: keys.Logs[0].Keys})
		return err == nil && report.OK() && report.Size > proof.Position
	})
}
