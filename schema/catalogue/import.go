package catalogue

import (
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Options say what a source document cannot say for itself.
type Options struct {
	Key    string   // instead of the one made from the title
	Title  string   // instead of the one found in the document
	Titles []string // titles of competences, for a Minnesota model that does not set them off
}

// Import reads a standard from a document of the given kind. It repairs what is
// known to be damage and tells of it, and refuses with the number of the line
// what it cannot place. The standard has passed Check.
func Import(scheme Scheme, file string, r io.Reader, opts Options) (*Standard, error) {
	read, ok := importers[scheme]
	if !ok {
		return nil, fault.Invalid.New("there is no importer for %.80q; the kinds are %v", scheme, Schemes())
	}
	b, err := readAll(base(file), r, maxDocument)
	if err != nil {
		return nil, err
	}
	lines, err := splitLines(base(file), b)
	if err != nil {
		return nil, err
	}
	if len(lines) > maxLines {
		return nil, lines[maxLines].invalid("%s goes on after %d lines; no standard does", base(file), maxLines)
	}
	s, err := read(lines, opts)
	if err != nil {
		return nil, err
	}
	s.Scheme = scheme
	s.Source = Source{File: base(file), SHA256: canon.Sum(b)}
	if opts.Key != "" {
		s.Key = opts.Key
	}
	if s.Version == "" {
		s.Version = s.Source.SHA256.String()[:12]
	}
	if err := s.bounded(); err != nil {
		return nil, err
	}
	markSameTexts(s)
	noteNearCopies(s)
	s.settle()
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// importers make a standard of the lines of a document. The key is made by each
// of them, the version where the document prints one.
var importers = map[Scheme]func([]line, Options) (*Standard, error){
	EstQF:      importEstQF,
	ESCO:       importESCO,
	Minnesota:  importMinnesota,
	KingCounty: importKingCounty,
	Salem:      importSalem,
}

func base(file string) string {
	name := filepath.Base(strings.ReplaceAll(file, `\`, "/"))
	if name == "." || name == "/" || name == "-" {
		return "document"
	}
	return name
}

// plainLetters are the letters with marks that stand in titles around the Baltic.
var plainLetters = strings.NewReplacer("õ", "o", "ä", "a", "ö", "o", "ü", "u", "š", "s", "ž", "z", "å", "a", "é", "e")

var roman = map[string]string{"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}

// keyOf makes a key of the words of a title: small letters, "information
// technology" as "it", a Roman number at the end as digits, other signs as
// hyphens.
func keyOf(parts ...string) string {
	text := plainLetters.Replace(strings.ToLower(strings.Join(parts, " ")))
	text = strings.ReplaceAll(text, "information technology", "it")
	words := strings.FieldsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n := len(words); n > 1 && roman[words[n-1]] != "" {
		words[n-1] = roman[words[n-1]]
	}
	out := ""
	for _, w := range words {
		if len(out)+1+len(w) > 64 {
			break
		}
		out = strings.TrimPrefix(out+"-"+w, "-")
	}
	return out
}

// A short line that says when a document was last written: "Updated February
// 2024".
var (
	printed = regexp.MustCompile(`(?i)\b(?:updated|revised|created|adopted|effective)\b(.{0,80})$`)
	aDate   = regexp.MustCompile(`\b(?:[A-Za-z]{3,9}\.?\s+(?:\d{1,2},\s+)?\d{4}|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2})\b`)
)

var printedForms = map[string]string{
	"January 2006": "2006-01", "Jan 2006": "2006-01", "1/2006": "2006-01",
	"January 2, 2006": time.DateOnly, "Jan 2, 2006": time.DateOnly, "1/2/2006": time.DateOnly, time.DateOnly: time.DateOnly,
}

// printedDate is the latest date that the lines print, as 2024-02 or
// 2024-02-29; "" when there is none.
func printedDate(lines []line) string {
	latest := ""
	for _, l := range lines {
		m := printed.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		for _, date := range aDate.FindAllString(m[1], -1) {
			date = strings.Join(strings.Fields(strings.ReplaceAll(date, ".", "")), " ")
			for form, short := range printedForms {
				if t, err := time.Parse(form, date); err == nil {
					latest = max(latest, t.Format(short))
				}
			}
		}
	}
	return latest
}

// shortTitle names a competence whose source gives only a sentence or more: its
// first sentence, cut between words when it is long.
func shortTitle(text string) string {
	const most = 80
	first, _, _ := strings.Cut(text, ". ")
	first = strings.TrimRight(first, ".; ")
	if first == "" {
		return text
	}
	runes := []rune(first)
	if len(runes) <= most {
		return first
	}
	cut := string(runes[:most])
	if i := strings.LastIndex(cut, " "); i > most/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;") + "…"
}

// hedges are the words by which a source says that a requirement need not hold
// everywhere; what it so asks is shown and never blocks.
var hedges = regexp.MustCompile(`(?i)\b(?:desirable|preferred|usually|generally required|may differ|may be required)\b`)

func prerequisite(text string) Prerequisite {
	return Prerequisite{Text: text, Advisory: hedges.MatchString(text)}
}

// find returns the first submatch of the first line that matches.
func find(lines []line, pattern *regexp.Regexp) (string, bool) {
	i := slices.IndexFunc(lines, func(l line) bool { return pattern.MatchString(l.text) })
	if i < 0 {
		return "", false
	}
	return strings.TrimSpace(pattern.FindStringSubmatch(lines[i].text)[1]), true
}
