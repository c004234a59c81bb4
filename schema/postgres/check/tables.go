package check

// How a table of facts is accounted for.
const (
	inCase   = "case"   // each row is named by an audit row of its case
	outside  = "alone"  // each row is named by an audit row of its time
	partOf   = "part"   // within the digest of another row
	byItself = "itself" // by rules of its own
)

// tables is every append-only table, and how it is accounted for. A test holds it
// against the catalog. One that is missing here is checked all the same, as one
// whose rows are named by audit rows.
var tables = map[string]string{
	"person": outside, "person_role": outside, "assessor_scope": outside, "standard": outside, "procedure": outside, "blob": outside,
	"sample": outside, "sample_draw": outside, "legal_hold": outside, "legal_hold_lifted": outside, "erasure": outside,
	"prior_assessment": outside,

	"evidence_item": inCase, "round": inCase, "round_closed": inCase, "verdict": inCase, "finding": inCase, "proposal": inCase,
	"proposal_overdue": inCase, "decision": inCase, "register_entry": inCase, "audit_finding": inCase, "case_file": inCase,
	"event": inCase, // or outside: those of no case

	"evidence_link": partOf, "round_evidence": partOf,

	"audit": byItself, "receipt": byItself, "reading": byItself, // what was read changes nothing
	"log_key": byItself, "log_entry": byItself, "log_node": byItself, "log_checkpoint": byItself, "log_cosignature": byItself,
}

// place says how a table of facts is accounted for, also one that nobody listed.
func (t table) place() string {
	if place, ok := tables[t.name]; ok {
		return place
	}
	if _, ok := t.types["application"]; ok {
		return inCase
	}
	return outside
}
