package check

import (
	"context"
	"slices"
)

// need is what a rule cannot be checked without.
type need string

const (
	theKeys  need = "keys"  // kutse_keys.data_key
	theKEK   need = "kek"   // the key-encryption key, and the keys that it opens
	theBlobs need = "blobs" // the folder of files
)

// rule is one sentence that holds of a record, and how it is checked. Just one of
// each and whole is set.
type rule struct {
	name   string // family.word
	says   string // what holds
	source string // the law, the clause or the design that says so
	needs  []need

	each    func(c *facts, say say) // for every case
	outside bool                    // for what stands in no case too
	whole   func(ctx context.Context, r *run, say say) error
}

// rules is the list of all rules, family by family.
func rules() []rule {
	return slices.Concat(recordRules, sequenceRules, receiptRules, auditRules, logRules, assessmentRules, evidenceRules,
		findingRules, awardRules, registerRules, stateRules, sampleRules, erasureRules)
}
