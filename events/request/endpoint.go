package request

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

// Endpoint is one thing that can be asked at the door.
type Endpoint struct {
	Roles    []person.Role
	Resource string
	Verb     string
	Summary  string
	Request  any // zero value of the body; nil for raw bytes
	Reply    any // zero value; nil for raw bytes
}

// Name is the endpoint's name in the micro service: evidence-submit.
func (e Endpoint) Name() string { return e.Resource + "-" + e.Verb }

// IsAct says whether it changes the record, and so carries an id.
func (e Endpoint) IsAct() bool {
	_, ok := e.Request.(Act)
	return ok
}

// Allows says whether a role may ask it.
func (e Endpoint) Allows(r person.Role) bool { return slices.Contains(e.Roles, r) }

// Endpoints returns the whole door.
func Endpoints() []Endpoint {
	cand, asr := []person.Role{person.Candidate}, []person.Role{person.Assessor}
	com, cnl, adm := []person.Role{person.Committee}, []person.Role{person.Council}, []person.Role{person.Operator}
	candCnl := []person.Role{person.Candidate, person.Council}
	readers := []person.Role{person.Candidate, person.Assessor, person.Committee, person.Council}
	return []Endpoint{
		{cand, "application", "open", "apply for a standard", OpenApplication{}, Receipt{}},
		{cand, "application", "list", "list your applications", Nothing{}, Applications{}},
		{cand, "application", "show", "see where an application stands", OfApplication{}, Case{}},
		{cand, "application", "withdraw", "take an application back", WithdrawApplication{}, Receipt{}},
		{cand, "evidence", "submit", "put a piece of evidence forward", SubmitEvidence{}, Receipt{}},
		{cand, "evidence", "list", "list the evidence of an application", EvidencePage{}, EvidenceList{}},
		{cand, "competence", "hand-in", "hand competences in for assessment", HandIn{}, Receipt{}},
		{cand, "blob", "open", "announce a file", OpenUpload{}, Upload{}},
		{cand, "blob", "put", "send a chunk of a file", nil, Upload{}},
		{cand, "blob", "status", "see how much of a file is here", OfUpload{}, Upload{}},
		{cand, "blob", "commit", "finish a file", CommitUpload{}, Receipt{}},
		{asr, "task", "list", "list tasks", TaskPage{}, Tasks{}},
		{asr, "task", "claim", "take a task", ClaimTask{}, Receipt{}},
		{asr, "task", "release", "give a task back", ReleaseTask{}, Receipt{}},
		{asr, "task", "evidence", "read the evidence of a task", TaskEvidencePage{}, TaskEvidence{}},
		{asr, "verdict", "give", "judge indicators", GiveVerdicts{}, Receipt{}},
		{com, "case", "list", "list the cases that wait", Nothing{}, Cases{}},
		{com, "case", "show", "read a case", OfApplication{}, Case{}},
		{com, "case", "evidence", "read the evidence of a case", EvidencePage{}, EvidenceList{}},
		{com, "decision", "make", "decide on a proposal", Decide{}, Receipt{}},
		{[]person.Role{person.Candidate, person.Assessor, person.Committee}, "file", "read", "read bytes of a file", ReadFile{}, nil},
		{cnl, "get", "application", "read a case", OfApplication{}, Case{}},
		{cnl, "get", "audit", "read the audit trail", AuditPage{}, Audit{}},
		{cnl, "get", "entry", "read a register entry", OfEntry{}, RegisterEntry{}},
		{cnl, "get", "stats", "count the record", Nothing{}, Stats{}},
		{cnl, "get", "timeline", "read what happened in a case", OfCase{}, Timeline{}},
		{cnl, "get", "readings", "search who read whose data", ReadingSearch{}, Readings{}},
		{cnl, "sample", "commit", "commit to the seed of a random sample", CommitSample{}, Receipt{}},
		{cnl, "sample", "draw", "disclose the seed and draw the sample", DrawSample{}, Receipt{}},
		{cnl, "sample", "show", "read a sample", OfSample{}, Sample{}},
		{cnl, "audit-finding", "file", "put what an auditor found into the record", FileAuditFinding{}, Receipt{}},
		{cnl, "audit-finding", "list", "list what auditors found", AuditFindingPage{}, AuditFindings{}},
		{cnl, "person", "erase", "destroy a person's key and all that was sealed under it", ErasePerson{}, Receipt{}},
		{cnl, "hold", "place", "keep a person's data from erasure", PlaceHold{}, Receipt{}},
		{cnl, "hold", "lift", "lift a legal hold", LiftHold{}, Receipt{}},
		{cnl, "hold", "list", "list legal holds", HoldPage{}, Holds{}},
		{cnl, "retention", "show", "see until when a person's data is kept", OfPerson{}, Retention{}},
		{cnl, "retention", "due", "list the people whose terms are over", RetentionPage{}, RetentionDue{}},
		{cand, "reading", "list", "see who read your data", ReadingPage{}, Readings{}},
		{candCnl, "casefile", "make", "put a case into one signed archive", MakeCaseFile{}, Receipt{}},
		{candCnl, "casefile", "read", "read bytes of a case file", ReadCaseFile{}, nil},
		{cand, "prior", "bring", "bring a case file as prior assessment", BringPrior{}, Receipt{}},
		{readers, "prior", "list", "list a candidate's prior assessments", PriorsOf{}, Priors{}},
		{readers, "prior", "show", "read a prior assessment", OfPrior{}, Prior{}},
		{[]person.Role{person.Candidate, person.Committee, person.Council}, "log", "prove", "prove that a record stands in the log", OfRecord{}, Proof{}},
		{person.Roles(), "log", "keys", "list the logs and their keys", Nothing{}, LogKeys{}},
		{person.Roles(), "log", "read", "read bytes of a log's published form", ReadLog{}, nil},
		{adm, "person", "add", "make a person known", AddPerson{}, Receipt{}},
		{adm, "standard", "load", "put a standard version into the record", LoadStandard{}, Receipt{}},
		{adm, "procedure", "load", "put a procedure version into the record", LoadProcedure{}, Receipt{}},
		{person.Roles(), "standard", "list", "list the standards in the record", Nothing{}, Standards{}},
		{person.Roles(), "standard", "show", "read a standard", OfStandard{}, catalogue.Standard{}},
	}
}
