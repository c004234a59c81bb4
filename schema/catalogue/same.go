package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// sameTexts finds, for each statement, the others with exactly its text, in the
// order of the standard. Texts repeat in real standards, mostly by mistake; the
// statements stay apart, and are judged apart.
func sameTexts(s *Standard) map[IndicatorID][]IndicatorID {
	byText := map[string][]IndicatorID{}
	for _, k := range s.Competences() {
		for _, st := range k.Statements {
			byText[st.Text] = append(byText[st.Text], IndicatorID{Competence: k.Code, Ordinal: st.Ordinal})
		}
	}
	same := map[IndicatorID][]IndicatorID{}
	for _, ids := range byText {
		for i, id := range ids {
			if others := slices.Delete(slices.Clone(ids), i, i+1); len(others) > 0 {
				same[id] = others
			}
		}
	}
	return same
}

// markSameTexts writes what sameTexts finds into the statements, and a note for
// the standard's owner.
func markSameTexts(s *Standard) {
	same, told := sameTexts(s), map[IndicatorID]bool{}
	for i := range s.Groups {
		for j := range s.Groups[i].Competences {
			k := &s.Groups[i].Competences[j]
			for n := range k.Statements {
				id := IndicatorID{Competence: k.Code, Ordinal: k.Statements[n].Ordinal}
				others := same[id]
				k.Statements[n].SameTextAs = others
				if len(others) > 0 && !told[id] {
					s.note("The same text stands at %s. They are kept apart and judged apart; the standard's owner may want to look.", list(append([]IndicatorID{id}, others...)))
				}
				for _, other := range others {
					told[other] = true
				}
			}
		}
	}
}

func (s *Standard) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func list(ids []IndicatorID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = id.String()
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Statements count as near copies when at most nearWords words differ; shorter
// ones than minWords would all be near to each other.
const (
	nearWords = 2
	minWords  = 8
)

// noteNearCopies tells the standard's owner of texts that differ in a word or
// two, as copied texts do.
func noteNearCopies(s *Standard) {
	type entry struct {
		id    IndicatorID
		text  string
		words []string
		group int // index of the first entry it is near to
	}
	var all []entry
	for _, k := range s.Competences() {
		for _, st := range k.Statements {
			all = append(all, entry{IndicatorID{k.Code, st.Ordinal}, st.Text, plainWords(st.Text), len(all)})
		}
	}
	near := map[int][]IndicatorID{}
	for i := range all {
		for j := range i {
			if all[j].group == j && all[i].text != all[j].text && len(all[i].words) >= minWords && nearly(all[i].words, all[j].words) {
				all[i].group = j
				near[j] = append(near[j], all[i].id)
				break
			}
		}
	}
	for i := range all {
		if others := near[i]; len(others) > 0 {
			s.note("Nearly the same text, a word or two apart, stands at %s.", list(append([]IndicatorID{all[i].id}, others...)))
		}
	}
}

func plainWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// nearly says whether a becomes b by changing, adding or leaving out at most
// nearWords words.
func nearly(a, b []string) bool {
	if len(a)-len(b) > nearWords || len(b)-len(a) > nearWords {
		return false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
			least = min(least, row[j+1])
		}
		if least > nearWords {
			return false
		}
	}
	return row[len(b)] <= nearWords
}
