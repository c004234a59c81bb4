package procedure_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
)

func TestTheDefaultProcedureIsSound(t *testing.T) {
	p, err := procedure.Default()
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.Digest()
	if err != nil {
		t.Fatal(err)
	}
	changed := *p
	changed.Rounds++
	second, err := changed.Digest()
	if err != nil || first == second {
		t.Errorf("another number of rounds has the same digest %s (%v)", second, err)
	}
}

// The example of a standard's own dates: 27.03.2025 to 26.03.2030 (domain.md 2, row 0).
func TestAnEntryIsValidForWholeYearsInTheProceduresZone(t *testing.T) {
	p := &procedure.Procedure{TimeZone: "Europe/Tallinn", Validity: procedure.Validity{Years: 5}}
	for at, want := range map[string][2]string{
		"2025-03-27T09:00:00Z": {"2025-03-27", "2030-03-26"},
		"2025-03-26T22:30:00Z": {"2025-03-27", "2030-03-26"}, // already the 27th in Tallinn
		"2024-02-29T09:00:00Z": {"2024-02-29", "2029-02-28"},
	} {
		decided, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		from, to, err := p.Valid(decided)
		if err != nil || from != want[0] || to != want[1] {
			t.Errorf("decided %s: valid %s to %s (%v), want %v", at, from, to, err, want)
		}
	}
}

const whole = `key: p
version: "1"
title: P
awarding_body: B
standards: ["*"]
legal_basis: [KutS § 18(2)]
rounds: 3
assessment: {assessors: 1, due_days: 30, lease_hours: 72}
recurring: {min_contexts: 1, negative_blocks: true}
decision: {due_days: 30}
validity: {years: 5, starts: decision_date}
challenge: {days: 30, to: court}
time_zone: Europe/Tallinn
sources: []
`

func TestWhatCannotBeAProcedure(t *testing.T) {
	if _, err := procedure.Read([]byte(whole)); err != nil {
		t.Fatalf("the whole one is refused: %v", err)
	}
	for name, text := range map[string]string{
		"an unknown word":          whole + "colour: blue\n",
		"a word twice":             whole + "rounds: 4\n",
		"two procedures":           whole + "---\n" + whole,
		"no rounds":                strings.Replace(whole, "rounds: 3", "rounds: 0", 1),
		"no zone":                  strings.Replace(whole, "Europe/Tallinn", "Mars/Olympus", 1),
		"the machine's own zone":   strings.Replace(whole, "Europe/Tallinn", "Local", 1),
		"two assessors, too early": strings.Replace(whole, "assessors: 1", "assessors: 2", 1),
		"nothing":                  "",
		"no YAML":                  "\x00\x01",
		"too much":                 whole + strings.Repeat("#", 300<<10),
	} {
		if _, err := procedure.Read([]byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}
