package casefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// Problem is what is wrong with a case file, and in which file of it.
type Problem struct {
	File string `json:"file"` // path in the archive; empty for the archive as a whole
	What string `json:"what"`
}

// String says it in one line.
func (p Problem) String() string {
	if p.File == "" {
		return p.What
	}
	return p.File + ": " + p.What
}

// contents are the parts of a case file that must agree with each other.
type contents struct {
	Case
	standard, procedure []byte
	salts               map[string]canon.Salt
	entries, events     [][]byte
	rows                [][]byte
	proofs              []string // ids of the audit rows that have one

	problems []Problem
}

func (c *contents) wrong(file, format string, args ...any) {
	c.problems = append(c.problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// check says where the parts do not agree.
func (c *contents) check() []Problem {
	c.versions()
	c.texts()
	c.log()
	return c.problems
}

func (c *contents) versions() {
	if got := canon.Sum(c.standard); got != c.Standard.Digest {
		c.wrong(standardFile, "its SHA-256 is %s, the case was judged against %s", got, c.Standard.Digest)
	}
	if got := canon.Sum(c.procedure); got != c.Procedure.Digest {
		c.wrong(procedureFile, "its SHA-256 is %s, the case was run under %s", got, c.Procedure.Digest)
	}
}

// texts holds what stands in case.json to the salted digests. The files of the
// evidence are held to theirs where they are read.
func (c *contents) texts() {
	for _, e := range c.Evidence {
		salt, ok := c.salts["evidence."+string(e.ID)]
		switch {
		case e.Erased && ok:
			c.wrong(saltsFile, "the salt of evidence %s, which is erased, is there", e.ID)
		case e.Erased:
		case !ok || salt != *e.Salt:
			c.wrong(saltsFile, "the salt of evidence %s is not the one in case.json", e.ID)
		case e.Kind != evidence.File && salted(salt, canon.Sum([]byte(e.Text+e.Link))) != e.Digest:
			c.wrong(caseFile, "evidence %s is not the text or link that was recorded", e.ID)
		}
	}
}

// log holds the case to the rows of the log, and the rows to the case: nothing is
// told otherwise, nothing is left out.
func (c *contents) log() {
	if len(c.entries) != len(c.Timeline) {
		c.wrong(entriesFile, "it has %d entries, the timeline in case.json has %d rows", len(c.entries), len(c.Timeline))
		return
	}
	records := map[string]string{} // kind and id -> digest
	for i, entry := range c.entries {
		c.entry(c.Timeline[i], entry, records)
	}
	for _, row := range c.proofs {
		if !slices.ContainsFunc(c.Timeline, func(r Row) bool { return r.ID == row }) {
			c.wrong(proofPath(row), "it proves a row that is not in the timeline")
		}
	}
	if len(c.entries) > 0 {
		c.recorded(records)
	}
	c.facts(records)
	c.heldByRows(records)
}

func (c *contents) entry(row Row, entry []byte, records map[string]string) {
	l, err := merkle.ParseEntry(entry)
	if err != nil {
		c.wrong(entriesFile, "the entry of row %s: %v", row.ID, err)
		return
	}
	var recorded []string
	for _, r := range l.Records {
		recorded = append(recorded, r.String())
		records[r.Kind+" "+r.ID] = r.Digest.String()
	}
	if !l.Time.Equal(row.At) || l.ID != row.ID || l.Act != row.Act || l.Actor != row.Actor || l.Role != row.Role || l.Object != row.Object ||
		!slices.Equal(recorded, row.Records) {
		c.wrong(entriesFile, "the entry of row %s is not what the timeline in case.json says", row.ID)
	}
	if l.Application != "" && l.Application != string(c.Application) || l.Candidate != "" && l.Candidate != string(c.Candidate.ID) {
		c.wrong(entriesFile, "row %s is about another case", row.ID)
	}
}

// recorded holds that the case has exactly the rows that the log says were
// recorded. Their digests are over the rows with their texts sealed, so only
// whether they are there can be told from here.
func (c *contents) recorded(records map[string]string) {
	has := map[string]bool{}
	for _, e := range c.Evidence {
		has["evidence_item "+string(e.ID)] = true
	}
	for _, r := range c.Rounds {
		has["round "+string(r.ID)] = true
	}
	for _, v := range c.Verdicts {
		has["verdict "+v.ID] = true
	}
	for _, f := range c.Findings {
		has["finding "+string(f.Round)+"/"+f.Competence] = true
	}
	for _, p := range c.Proposals {
		has["proposal "+string(p.ID)] = true
	}
	for _, d := range c.Decisions {
		has["decision "+string(d.ID)] = true
	}
	if c.Entry != nil {
		has["register_entry "+c.Entry.Number] = true
	}
	kinds := map[string]bool{"evidence_item": true, "round": true, "verdict": true, "finding": true, "proposal": true, "decision": true, "register_entry": true}
	for _, what := range sortedKeys(has) {
		if _, ok := records[what]; !ok {
			c.wrong(caseFile, "the %s is in no entry of the log", what)
		}
	}
	for _, what := range sortedKeys(records) {
		if kind, _, _ := strings.Cut(what, " "); kinds[kind] && !has[what] {
			c.wrong(caseFile, "the log records the %s, which is left out", what)
		}
	}
}
