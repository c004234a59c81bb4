package casefile

import (
	"github.com/kutse-dev/kutse/schema/merkle"
)

// proofs verifies each proof with the receiver's keys, and where they do not know
// the log, with those that came along.
func proofs(r *Report, f File, trust Trust) {
	for i, row := range f.Case.Timeline {
		file, ok := f.Proofs[row.ID]
		if !ok {
			r.Unproven = append(r.Unproven, row.ID)
			continue
		}
		if i >= len(f.Entries) {
			return // said already, of the entries
		}
		proven, err := checkProof(f.Entries[i], file, trust.Logs, f.Keys)
		if err != nil {
			r.wrong(proofPath(row.ID), "the row is not proven to be in the log: %s", words(err))
			continue
		}
		if host, year, err := merkle.ParseOrigin(proven.Log); err != nil || host != f.Case.Origin || year != row.At.UTC().Year() {
			r.wrong(proofPath(row.ID), "it is of the log %s, where this row does not belong", proven.Log)
			continue
		}
		proven.Row = row.ID
		r.Proven = append(r.Proven, proven)
	}
}

func checkProof(entry, file []byte, believed, along []string) (Proven, error) {
	proof, err := merkle.ParseProof(file)
	if err != nil {
		return Proven{}, err
	}
	if len(believed) > 0 {
		if c, err := proof.Verify(entry, believed); err == nil {
			return Proven{Log: c.Origin, Trusted: true}, nil
		}
	}
	c, err := proof.Verify(entry, along)
	return Proven{Log: c.Origin}, err
}
