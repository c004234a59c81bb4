package asyncapi

import (
	"reflect"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/retention"
)

// Sample is one valid request of the type of v, with every word that can stand
// together with the others.
func Sample(v any) (any, bool) {
	for _, s := range Samples() {
		if reflect.TypeOf(s) == reflect.TypeOf(v) {
			return s, true
		}
	}
	return nil, false
}

const (
	sampleApplication application.ID    = "01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a12"
	sampleTask        assessment.TaskID = "01980a6b-11d0-7c55-8a3e-5b7d9f1c3e24"
	sampleProposal    award.ProposalID  = "01980b02-4f6a-7e19-b0c8-1d3f5a7b9c46"
	sampleUpload                        = "1d2c3b4a-sample-upload"
	sampleSample                        = "01980c11-2a3b-7c4d-8e5f-60718293a4b5"
	sampleHold                          = "01980c12-2a3b-7c4d-8e5f-60718293a4b5"
	samplePrior                         = "01980c13-2a3b-7c4d-8e5f-60718293a4b5"
)

// Samples returns one valid request of each type.
func Samples() []any {
	acting := request.Acting{ID: "3f0f6a3e-52a1-4a3c-9d0e-7b1c5e2d8f90"}
	file := canon.Sum([]byte("a project plan"))
	first, second := catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 1}, catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 2}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []any{
		request.Nothing{},
		request.OpenApplication{Acting: acting, Standard: "it-manager-7", Procedure: "default"},
		request.WithdrawApplication{Acting: acting, Application: sampleApplication},
		request.OfApplication{Application: sampleApplication},
		request.SubmitEvidence{
			Acting: acting, Application: sampleApplication, Kind: evidence.File, File: &file,
			Indicators: []catalogue.IndicatorID{first, second},
		},
		request.EvidencePage{Application: sampleApplication, After: 12},
		request.HandIn{Acting: acting, Application: sampleApplication, Competences: []string{"B.2.3", "B.2.4"}},
		request.OpenUpload{Size: 14, SHA256: file},
		request.OfUpload{Upload: sampleUpload},
		request.CommitUpload{Acting: acting, Upload: sampleUpload},
		request.ReadFile{Application: sampleApplication, File: file, Offset: 524288},
		request.TaskPage{Limit: 20},
		request.ClaimTask{Acting: acting, Task: sampleTask},
		request.ReleaseTask{Acting: acting, Task: sampleTask},
		request.TaskEvidencePage{Task: sampleTask},
		request.GiveVerdicts{Acting: acting, Task: sampleTask, Fence: 1, Verdicts: []request.Verdict{
			{Indicator: first, Outcome: assessment.Shown},
			{Indicator: second, Outcome: assessment.NotYetShown, Reason: "the plan names no risks"},
		}},
		request.Decide{
			Acting: acting, Application: sampleApplication, Proposal: sampleProposal, Outcome: award.Refuse, Reviewed: true,
			Grounds: "two rounds did not show how risks are handled", LegalBasis: "KutS § 21",
			Reasons: []request.Reason{{Indicator: second, Reason: "the plan names no risks"}},
		},
		request.AuditPage{Application: sampleApplication, After: "01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a12", Limit: 100},
		request.OfEntry{Number: "000123"},
		request.AddPerson{
			Acting: acting, Person: "assessor-7", Name: "Mari Maasikas", Contact: "mari@example.ee",
			Roles:  []person.Role{person.Assessor},
			Scopes: []request.Scope{{Standard: "it-manager-7", Competences: []string{"B.2.3"}}},
		},
		request.LoadStandard{Acting: acting, YAML: "key: it-manager-7\n"},
		request.LoadProcedure{Acting: acting, YAML: "key: default\n"},
		request.OfStandard{Standard: "it-manager-7"},
		request.OfCase{Application: sampleApplication, Purpose: reading.Audit},
		request.ReadingSearch{Person: "mari-7", Reader: "nele-2", Application: sampleApplication, Purpose: reading.Audit, Limit: 100},
		request.CommitSample{Acting: acting, Title: "internal audit 2026"},
		request.DrawSample{Acting: acting, Sample: sampleSample, Standard: "it-manager-7", From: from, To: from.AddDate(1, 0, 0), Size: 20},
		request.OfSample{Sample: sampleSample},
		request.FileAuditFinding{
			Acting: acting, Application: sampleApplication, Object: string(sampleProposal), Kind: request.Observation,
			Text: "the grounds repeat the proposal word for word",
		},
		request.AuditFindingPage{Application: sampleApplication, Purpose: reading.Audit, Limit: 20},
		request.ErasePerson{Acting: acting, Person: "mari-7", Ground: retention.ByRequest, Reference: "12.3-4/2036/17"},
		request.PlaceHold{Acting: acting, Person: "mari-7", Ground: "an action against the refusal is pending", Reference: "3-26-1234"},
		request.LiftHold{Acting: acting, Hold: sampleHold, Ground: "the judgment is final"},
		request.HoldPage{Person: "mari-7", Lifted: true, Limit: 20},
		request.OfPerson{Person: "mari-7"},
		request.RetentionPage{Limit: 100},
		request.ReadingPage{Limit: 100},
		request.MakeCaseFile{Acting: acting, Application: sampleApplication, Purpose: reading.Court},
		request.ReadCaseFile{CaseFile: file, Application: sampleApplication, Purpose: reading.Court, Offset: 524288},
		request.BringPrior{Acting: acting, File: file},
		request.PriorsOf{Application: sampleApplication, Task: sampleTask, Purpose: reading.Assessment},
		request.OfPrior{Prior: samplePrior, Application: sampleApplication, Task: sampleTask, Purpose: reading.Assessment},
		request.OfRecord{Record: string(sampleProposal)},
		request.ReadLog{Path: "2026/tile/0/000", Offset: 524288},
	}
}
