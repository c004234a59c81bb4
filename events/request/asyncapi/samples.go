package asyncapi

import (
	"reflect"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/person"
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
)

// Samples returns one valid request of each type.
func Samples() []any {
	acting := request.Acting{ID: "3f0f6a3e-52a1-4a3c-9d0e-7b1c5e2d8f90"}
	file := canon.Sum([]byte("a project plan"))
	first, second := catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 1}, catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 2}
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
	}
}
