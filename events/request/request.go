// Package request says what may be asked at the door, and how the answers look:
// the words of every request and reply on
//
//	req.v1.<role>.<uid>.<resource>.<verb>
//
// Bodies are JSON. Every act carries an id that the client chose (a UUID); the
// same id again returns the same receipt and changes nothing, the same id with
// other content is a conflict. All times are UTC.
package request

import (
	"regexp"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Act is a request that changes the record.
type Act interface {
	RequestID() string
}

// Acting is the id that every act carries.
type Acting struct {
	ID string `json:"id" jsonschema:"UUID chosen by the client; the same id again returns the same receipt"`
}

// RequestID implements Act.
func (a Acting) RequestID() string { return a.ID }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// CheckID says whether s is a UUID in lower case. what names it in the error.
func CheckID(what, s string) error {
	if !uuid.MatchString(s) {
		return fault.Invalid.New("%s is a UUID in lower case, not %.60q", what, s)
	}
	return nil
}

// Receipt says that an act is in the record: acknowledged means committed.
type Receipt struct {
	Request     string         `json:"request" jsonschema:"the id that the client chose"`
	Record      string         `json:"record" jsonschema:"id of what was recorded"`
	Records     []string       `json:"records,omitempty" jsonschema:"ids of all that was recorded, where one act records several"`
	Application application.ID `json:"application,omitempty"`
	Digest      canon.Digest   `json:"digest" jsonschema:"SHA-256 over the canonical form of the request"`
	Position    int            `json:"position" jsonschema:"place in the application's sequence, from 1; 0 for an act that stands in none"`
	At          time.Time      `json:"at" jsonschema:"when it was recorded, UTC"`
	Claimed     *ClaimedTask   `json:"claimed,omitempty" jsonschema:"what was claimed, with task.claim"`
}

// ── candidate ──────────────────────────────────────────────────────────────

// OpenApplication applies for the standard's current version.
type OpenApplication struct {
	Acting
	Standard  string `json:"standard" jsonschema:"key of the standard, as in it-manager-7"`
	Procedure string `json:"procedure,omitempty" jsonschema:"key of the awarding procedure; empty where only one awards the standard"`
}

// WithdrawApplication takes an application back.
type WithdrawApplication struct {
	Acting
	Application application.ID `json:"application"`
}

// SubmitEvidence puts one piece of evidence forward for one or many indicators.
type SubmitEvidence struct {
	Acting
	Application application.ID          `json:"application"`
	Kind        evidence.Kind           `json:"kind" jsonschema:"text, link or file"`
	Text        string                  `json:"text,omitempty"`
	Link        string                  `json:"link,omitempty"`
	File        *canon.Digest           `json:"file,omitempty" jsonschema:"SHA-256 of a file uploaded before"`
	Indicators  []catalogue.IndicatorID `json:"indicators" jsonschema:"as in B.2.3/1"`
}

// HandIn hands competences in: their evidence is frozen and assessment begins.
type HandIn struct {
	Acting
	Application application.ID `json:"application"`
	Competences []string       `json:"competences" jsonschema:"codes, as in B.2.3"`
}

// OfApplication names the application that a reading is about.
type OfApplication struct {
	Application application.ID `json:"application"`
}

// Nothing asks for a list without conditions.
type Nothing struct{}

// Applications are a candidate's own, newest first.
type Applications struct {
	Applications []ApplicationLine `json:"applications"`
}

// ApplicationLine is one application in a list.
type ApplicationLine struct {
	Application application.ID    `json:"application"`
	Candidate   person.ID         `json:"candidate"`
	Standard    string            `json:"standard" jsonschema:"key"`
	Title       string            `json:"title"`
	State       application.State `json:"state"`
	OpenedAt    time.Time         `json:"opened_at"`
}

// Case is where one application stands.
type Case struct {
	ApplicationLine
	StandardDigest  canon.Digest     `json:"standard_digest"`
	ProcedureDigest canon.Digest     `json:"procedure_digest"`
	Position        int              `json:"position" jsonschema:"of the latest fact"`
	Competences     []CaseCompetence `json:"competences"`
	Lacking         []string         `json:"lacking" jsonschema:"what stands between the case and the award, in words"`
	Proposal        *Proposal        `json:"proposal,omitempty"`
	Decisions       []Decision       `json:"decisions,omitempty"`
	Entry           *RegisterEntry   `json:"entry,omitempty"`
}

// CaseCompetence is where one competence of a case stands.
type CaseCompetence struct {
	Code            string          `json:"code"`
	Title           string          `json:"title"`
	Group           string          `json:"group" jsonschema:"mandatory, elective, recurring, essential, optional, duty or ksa"`
	Met             bool            `json:"met"`
	UnderAssessment bool            `json:"under_assessment"`
	RoundsLeft      int             `json:"rounds_left"`
	Indicators      []CaseIndicator `json:"indicators"`
}

// CaseIndicator is where one indicator of a case stands.
type CaseIndicator struct {
	Indicator  catalogue.IndicatorID `json:"indicator"`
	Text       string                `json:"text"`
	Assessable bool                  `json:"assessable"`
	Evidence   int                   `json:"evidence" jsonschema:"pieces of evidence put forward for it"`
	Shown      bool                  `json:"shown"`
	Reason     string                `json:"reason,omitempty" jsonschema:"why not yet, in the assessor's words"`
}

// Proposal is what is, or was last, before the committee.
type Proposal struct {
	Proposal award.ProposalID `json:"proposal"`
	Outcome  award.Outcome    `json:"outcome"`
	DueAt    time.Time        `json:"due_at"`
	At       time.Time        `json:"at"`
}

// Decision is what the committee decided.
type Decision struct {
	Decision   award.DecisionID `json:"decision"`
	Outcome    award.Outcome    `json:"outcome"`
	Member     person.ID        `json:"member"`
	Grounds    string           `json:"grounds"`
	LegalBasis string           `json:"legal_basis"`
	Reasons    []Reason         `json:"reasons,omitempty"`
	Returned   []string         `json:"returned,omitempty"`
	At         time.Time        `json:"at"`
	Challenge  string           `json:"challenge" jsonschema:"to whom and until when it can be challenged"`
}

// Reason is why one indicator counts as not met.
type Reason struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Reason    string                `json:"reason"`
}

// RegisterEntry is an award as it stands in the register.
type RegisterEntry struct {
	Number      string           `json:"number"`
	Type        int              `json:"type" jsonschema:"1 full, 2 partial, 3 initial"`
	Application application.ID   `json:"application"`
	Decision    award.DecisionID `json:"decision"`
	Candidate   person.ID        `json:"candidate"`
	Standard    string           `json:"standard" jsonschema:"designation, or title where the register gave none"`
	ValidFrom   string           `json:"valid_from" jsonschema:"first day"`
	ValidTo     string           `json:"valid_to" jsonschema:"last day"`
	At          time.Time        `json:"at"`
}

// EvidenceList is evidence with its content.
type EvidenceList struct {
	Items []EvidenceItem `json:"items"`
	Next  int            `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// EvidencePage asks for evidence of an application, in the order it came.
type EvidencePage struct {
	Application application.ID `json:"application"`
	After       int            `json:"after,omitempty"`
}

// EvidenceItem is one piece of evidence.
type EvidenceItem struct {
	Item       evidence.ItemID         `json:"item"`
	Kind       evidence.Kind           `json:"kind"`
	Digest     canon.Digest            `json:"digest"`
	Size       int64                   `json:"size" jsonschema:"bytes"`
	MediaType  string                  `json:"media_type,omitempty" jsonschema:"of a file, decided from its content"`
	Text       string                  `json:"text,omitempty"`
	Link       string                  `json:"link,omitempty"`
	Indicators []catalogue.IndicatorID `json:"indicators"`
	Position   int                     `json:"position"`
	At         time.Time               `json:"at"`
}

// ── files ──────────────────────────────────────────────────────────────────

// OpenUpload announces a file. The same file announced again goes on where it stopped.
type OpenUpload struct {
	Size   int64        `json:"size" jsonschema:"bytes"`
	SHA256 canon.Digest `json:"sha256"`
}

// Upload says how to send the file, and how much of it is here. Chunks go to
// blob.put with the headers Upload-Id and Upload-Offset and the bytes as body.
type Upload struct {
	Upload     string `json:"upload"`
	ChunkBytes int    `json:"chunk_bytes,omitempty" jsonschema:"at most this many bytes a request"`
	Offset     int64  `json:"offset" jsonschema:"bytes that are here; go on from there"`
}

// OfUpload names an upload.
type OfUpload struct {
	Upload string `json:"upload"`
}

// CommitUpload says that all bytes were sent.
type CommitUpload struct {
	Acting
	Upload string `json:"upload"`
}

// ReadFile asks for bytes of a file that is evidence in an application or a task
// of the one who asks. The reply is up to 512 KiB of bytes from the offset on; an
// empty one is the end of the file.
type ReadFile struct {
	Application application.ID    `json:"application,omitempty"`
	Task        assessment.TaskID `json:"task,omitempty"`
	File        canon.Digest      `json:"file"`
	Offset      int64             `json:"offset,omitempty"`
}

// ── assessor ───────────────────────────────────────────────────────────────

// TaskPage asks for tasks: those one holds, and the open ones one may claim.
type TaskPage struct {
	Limit int `json:"limit,omitempty" jsonschema:"at most this many of each, 100 at the most"`
}

// Tasks are the assessor's own and the ones that can be claimed, earliest due first.
type Tasks struct {
	Held []Task `json:"held"`
	Open []Task `json:"open"`
}

// Task is one round to judge. It does not name the candidate.
type Task struct {
	Task       assessment.TaskID `json:"task"`
	Standard   string            `json:"standard" jsonschema:"key"`
	Competence string            `json:"competence"`
	Title      string            `json:"title"`
	Number     int               `json:"number" jsonschema:"of the round, from 1"`
	DueAt      time.Time         `json:"due_at"`
	LeaseUntil *time.Time        `json:"lease_until,omitempty"`
}

// ClaimTask takes one task, or the next one.
type ClaimTask struct {
	Acting
	Task assessment.TaskID `json:"task,omitempty" jsonschema:"empty for the earliest due"`
}

// ClaimedTask is what an assessor has to judge.
type ClaimedTask struct {
	Task        assessment.TaskID       `json:"task"`
	Application application.ID          `json:"application"`
	Competence  string                  `json:"competence"`
	Asked       []catalogue.IndicatorID `json:"asked" jsonschema:"must be judged for the round to close"`
	Offered     []catalogue.IndicatorID `json:"offered,omitempty" jsonschema:"recurring ones that may be judged in this context"`
	Fence       int                     `json:"fence"`
	LeaseUntil  time.Time               `json:"lease_until"`
	DueAt       time.Time               `json:"due_at"`
}

// ReleaseTask gives a task back.
type ReleaseTask struct {
	Acting
	Task assessment.TaskID `json:"task"`
}

// TaskEvidencePage asks for the evidence of a task, in the order it came.
type TaskEvidencePage struct {
	Task  assessment.TaskID `json:"task"`
	After int               `json:"after,omitempty"`
}

// TaskEvidence is the evidence that was frozen for a task's round.
type TaskEvidence struct {
	Task       assessment.TaskID `json:"task"`
	Competence string            `json:"competence"`
	Indicators []CaseIndicator   `json:"indicators"`
	Items      []EvidenceItem    `json:"items"`
	Next       int               `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// GiveVerdicts judges indicators of a claimed task. When everything asked has its
// verdict, the round closes.
type GiveVerdicts struct {
	Acting
	Task     assessment.TaskID `json:"task"`
	Fence    int               `json:"fence,omitempty" jsonschema:"from the claim; 0 not to check it"`
	Verdicts []Verdict         `json:"verdicts"`
}

// Verdict is what the assessor found for one indicator.
type Verdict struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Outcome   assessment.Outcome    `json:"outcome" jsonschema:"shown or not_yet_shown"`
	Reason    string                `json:"reason,omitempty" jsonschema:"required when not yet shown"`
}

// ── committee ──────────────────────────────────────────────────────────────

// Cases are those that wait for the committee.
type Cases struct {
	Cases []ApplicationLine `json:"cases"`
}

// Decide is the committee's act on a proposal.
type Decide struct {
	Acting
	Application application.ID   `json:"application"`
	Proposal    award.ProposalID `json:"proposal"`
	Outcome     award.Outcome    `json:"outcome" jsonschema:"award, refuse or return"`
	Reviewed    bool             `json:"reviewed" jsonschema:"confirms having reviewed the whole case"`
	Grounds     string           `json:"grounds"`
	LegalBasis  string           `json:"legal_basis" jsonschema:"one of the procedure's provisions"`
	Reasons     []Reason         `json:"reasons,omitempty" jsonschema:"with a refusal: one per unmet indicator"`
	Returned    []string         `json:"returned,omitempty" jsonschema:"with a return: the competences to assess again"`
}

// ── council ────────────────────────────────────────────────────────────────

// AuditPage asks for the audit trail, oldest first.
type AuditPage struct {
	Application application.ID `json:"application,omitempty" jsonschema:"empty for all"`
	After       string         `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit       int            `json:"limit,omitempty" jsonschema:"at most 500"`
}

// Audit is a page of the audit trail.
type Audit struct {
	Rows []AuditRow `json:"rows"`
	Next string     `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// AuditRow says who did what to which record.
type AuditRow struct {
	ID          string         `json:"id"`
	At          time.Time      `json:"at"`
	Actor       string         `json:"actor"`
	Role        string         `json:"role"`
	Act         string         `json:"act"`
	Application application.ID `json:"application,omitempty"`
	Object      string         `json:"object"`
	Position    int            `json:"position"`
	Payload     canon.Digest   `json:"payload"`
}

// OfEntry names a register entry.
type OfEntry struct {
	Number string `json:"number"`
}

// Stats counts the record.
type Stats struct {
	Applications map[application.State]int `json:"applications"`
	Submissions  int                       `json:"submissions"`
	Verdicts     int                       `json:"verdicts"`
	Decisions    int                       `json:"decisions"`
	Entries      int                       `json:"entries"`
	AuditRows    int                       `json:"audit_rows"`
	Events       int                       `json:"events"`
	Unpublished  int                       `json:"unpublished" jsonschema:"facts that JetStream has not acknowledged yet"`
}

// ── operator ───────────────────────────────────────────────────────────────

// AddPerson makes a person known, or gives one more roles and scopes.
type AddPerson struct {
	Acting
	Person  person.ID     `json:"person"`
	Name    string        `json:"name"`
	Contact string        `json:"contact,omitempty"`
	Roles   []person.Role `json:"roles"`
	Scopes  []Scope       `json:"scopes,omitempty" jsonschema:"what an assessor may assess"`
}

// Scope is what an assessor may assess of one standard version.
type Scope struct {
	Standard    string   `json:"standard" jsonschema:"key, for the current version, or the digest of any version"`
	Competences []string `json:"competences,omitempty" jsonschema:"codes; empty for all"`
}

// LoadStandard puts a standard version into the record.
type LoadStandard struct {
	Acting
	YAML string `json:"yaml"`
}

// LoadProcedure puts a procedure version into the record.
type LoadProcedure struct {
	Acting
	YAML string `json:"yaml"`
}

// ── everyone ───────────────────────────────────────────────────────────────

// Standards are the standard versions in the record.
type Standards struct {
	Standards []StandardLine `json:"standards"`
}

// StandardLine is one standard version in a list.
type StandardLine struct {
	Key         string       `json:"key"`
	Version     string       `json:"version"`
	Name        string       `json:"name" jsonschema:"designation, or title"`
	Title       string       `json:"title"`
	Digest      canon.Digest `json:"digest"`
	Competences int          `json:"competences"`
	Statements  int          `json:"statements"`
}

// OfStandard names a standard's current version.
type OfStandard struct {
	Standard string `json:"standard" jsonschema:"key"`
}

// Failure is the body of a reply that refuses.
type Failure struct {
	Kind    fault.Kind `json:"kind" jsonschema:"invalid, forbidden, not_found, conflict, unavailable, or internal"`
	Message string     `json:"message"`
}

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
		{adm, "person", "add", "make a person known", AddPerson{}, Receipt{}},
		{adm, "standard", "load", "put a standard version into the record", LoadStandard{}, Receipt{}},
		{adm, "procedure", "load", "put a procedure version into the record", LoadProcedure{}, Receipt{}},
		{person.Roles(), "standard", "list", "list the standards in the record", Nothing{}, Standards{}},
		{person.Roles(), "standard", "show", "read a standard", OfStandard{}, catalogue.Standard{}},
	}
}
