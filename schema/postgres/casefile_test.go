package postgres_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// export makes a case file of the story, in memory, and brings it back as prior
// assessment: what the door does with the record.
func (s *story) export(keys *ring) {
	s.t.Helper()
	skey, _, err := casefile.NewKey("kutse.test")
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := casefile.ParseKey(skey)
	if err != nil {
		s.t.Fatal(err)
	}
	sealAll(s.t, s.Record, keys)
	req := request.MakeCaseFile{Acting: postgrestest.NewID(), Application: s.app}
	made, err := s.CaseFile(s.ctx, postgrestest.Candidate, req, key)
	if err != nil {
		s.t.Fatal(err)
	}
	made.File.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(e.Text)), nil
	}
	var b bytes.Buffer
	if err := casefile.Write(&b, made.File, key.Signer); err != nil {
		s.t.Fatal(err)
	}
	stored := s.stored(b.Bytes())
	r := s.must(s.MakeCaseFile(s.ctx, postgrestest.Candidate, req, made, stored))
	if r.Record != stored.Digest.String() || !r.At.Equal(made.File.Case.ExportedAt) {
		s.t.Errorf("the receipt names %s at %s, want %s at %s", r.Record, r.At, stored.Digest, made.File.Case.ExportedAt)
	}
	s.must(s.CommitUpload(s.ctx, postgrestest.Candidate, request.CommitUpload{Acting: postgrestest.NewID(), Upload: "u"}, stored))
	a, err := casefile.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), casefile.DefaultLimits())
	if err != nil {
		s.t.Fatal(err)
	}
	report := a.Verify(casefile.Trust{})
	if !report.Sound() {
		s.t.Fatalf("the case file is %+v, want it sound", report)
	}
	standard, err := a.Standard()
	if err != nil {
		s.t.Fatal(err)
	}
	brought := postgres.Brought{Case: made.File.Case, Standard: standard, Report: report}
	s.must(s.BringPrior(s.ctx, postgrestest.Candidate, request.BringPrior{Acting: postgrestest.NewID(), File: stored.Digest}, brought))
}

// stored is a file as the store of files would tell of it.
func (s *story) stored(b []byte) blob.Stored {
	s.t.Helper()
	sum := canon.Sum(b)
	address, err := s.Sealer().Salt(person.ID("c1"), blob.Record(sum))
	if err != nil {
		s.t.Fatal(err)
	}
	return blob.Stored{Digest: sum, Address: address, Size: int64(len(b)), MediaType: "application/zip"}
}

func TestACaseFileHoldsEveryActOfTheCase(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.submit("B.2.8/1")
	keys := newRing(t)
	s.export(keys)
	s.export(keys) // with the act that made the first
}
