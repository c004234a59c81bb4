package catalogue

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

// refused says what is wrong when err is not a fault of the kind invalid that
// contains want.
func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if fault.Of(err) != fault.Invalid || !strings.Contains(fault.Message(err), want) {
		t.Errorf("%s: got %v; want it refused as invalid with %q", what, err, want)
	}
}

var (
	lineNumber = regexp.MustCompile(`\bline [1-9]\d*: `)
	ofStandard = regexp.MustCompile(`^standard "`) // by Check: the document could be read
)

// numbered says that a refusal of a document does not tell the line.
func numbered(t *testing.T, what string, err error) {
	t.Helper()
	if m := fault.Message(err); !lineNumber.MatchString(m) && !ofStandard.MatchString(m) {
		t.Errorf("%s: %q tells no line", what, m)
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	rows := map[string]struct{ in, want string }{
		"nothing":                  {"", "line 1: a.txt is empty"},
		"blank lines":              {"\n \n\t\n", "line 4: a.txt is empty"},
		"a program":                {"\x7fELF\x02\x01\x01\x00", "line 1: "},
		"a zero byte":              {"one\ntwo\nth\x00ree", "line 3: a.txt has the character U+0000"},
		"bytes that are not UTF-8": {"one\n\xe4\xf6\xfc", "line 2: a.txt is not a text in UTF-8"},
		"UTF-16":                   {"\xff\xfeA\x00", "line 1: a.txt is in UTF-16"},
		"text turned around":       {"one\nt\u202ewo", "line 2: a.txt has the character U+202E"},
		"a lone carriage return":   {"one\rtwo", "line 1: a.txt has the character U+000D"},
		"too many lines":           {strings.Repeat("a\n", 6000), "line 5001: a.txt goes on after 5000 lines"},
		"fifty megabytes":          {strings.Repeat("A.1 Work\n", 50<<20/9), "line 116509: a.txt is larger than 1048576 bytes"},
	}
	for _, scheme := range Schemes() {
		for name, row := range rows {
			_, err := Import(scheme, "some/folder/a.txt", strings.NewReader(row.in), Options{})
			refused(t, string(scheme)+" of "+name, err, row.want)
			numbered(t, string(scheme)+" of "+name, err)
		}
		_, err := Import(scheme, "a.txt", strings.NewReader("Lorem ipsum dolor sit amet.\nConsectetur."), Options{})
		refused(t, string(scheme)+" of other words", err, "")
		numbered(t, string(scheme)+" of other words", err)
	}
	concepts := "Baker career path\nEssential knowledge\n" + strings.Repeat("Flour: Flour.\n", 4000)
	_, err := Import(ESCO, "a.txt", strings.NewReader(concepts), Options{})
	refused(t, "the same over and over", err, "says \"Flour.\" more than 20 times")
	_, err = Import("onet", "a.txt", strings.NewReader("x"), Options{})
	refused(t, "an unknown kind", err, "there is no importer for \"onet\"")
}

// Each row takes a document that is sound and puts one thing in place of
// another.
func TestARefusalNamesTheLine(t *testing.T) {
	t.Parallel()
	files := map[string]Scheme{
		"estqf_elective.txt": EstQF, "esco_short.txt": ESCO, "minnesota_plain.txt": Minnesota,
		"class_kingcounty.txt": KingCounty, "class_salem.txt": Salem,
	}
	for _, row := range []struct{ file, old, new, want string }{
		{"estqf_elective.txt", "2. Writes down", "4. Writes down", "line 28: number 4 of competence B.2.1 stands where number 2 was to come"},
		{"estqf_elective.txt", "\n5\nView competence", "\nfive\nView competence", "line 24: \"five\" is not an EstQF level"},
		{"estqf_elective.txt", "\nAutomation\n5\n", "\nAutomation\nof tests\n", "line 32: \"of tests\" is not an EstQF level"},
		{"estqf_elective.txt", "\nAutomation\n5\n", "\nAutomation\n9\n", "line 32: \"9\" is not an EstQF level"},
		{"class_kingcounty.txt", "Classification Specification\nClass Code: 2110100\nBUYER II\n", "", "line 1: no title stands before the first heading"},
		{"class_salem.txt", "# Parks Gardener\n", "", "line 1: no title stands before the first heading"},
		{"minnesota_plain.txt", "Competency Model for", "A model of", "line 1: no line \"Competency Model for ...\" says the title"},
		{"estqf_elective.txt", "At least two of the elective competences must be proven.", "", "line 17: B.1 does not say how many of the elective competences are asked"},
		{"estqf_elective.txt", "B.2.1-B.2.3, elective", "B.2.1-B.2.9, elective", "line 17: B.1 names the mandatory competences B.2.1 to B.2.9, but the document has B.2.1 to B.2.3"},
		{"estqf_elective.txt", "B.2.1-B.2.3, elective", "B.2.3-B.2.1, elective", "line 17: B.2.3-B.2.1 is not a range"},
		{"estqf_elective.txt", "Automation tester – B.2.2", "Automation tester", "line 9: the partial qualification \"Automation tester\" does not say its competences"},
		{"estqf_elective.txt", "Automation tester – B.2.2", "Automation tester – B.2.99", "there is no competence \"B.2.99\""},
		{"estqf_elective.txt", "01.06.2024\nValid", "June 2024\nValid", "line 3: \"June 2024\" is not a date"},
		{"estqf_elective.txt", "Council: 01.06.2024", "Council: 02.06.2024", "08-01062024-2/5k is of a decision on 2024-06-01, but decision_date is \"2024-06-02\""},
		{"estqf_elective.txt", "08-01062024-2/5k", "08-01062024-2/6k", "is of level 6, but level.value is not"},
		{"estqf_elective.txt", "08-01062024-2/5k", "", "is it cut off?"},
		{"estqf_elective.txt", "Mandatory competences\n", "", "line 22: B.2.1 stands under no heading"},
		{"estqf_elective.txt", "Recurring competences\n", "Elective competences\n", "line 67: the heading \"Elective competences\" stands twice"},
		{"estqf_elective.txt", "B.2.8\nSoftware tester", "B.2.1\nSoftware tester", "B.1 names the recurring competences B.2.8, but the document has B.2.1"},
		{"esco_short.txt", "Flour: Kinds", "Flour is kinds", "line 8: \"Flour is kinds of flour and what they are for.\" is not a term, a colon and its definition"},
		{"esco_short.txt", "Baker career path", "", "line 1: the document does not say the title"},
		{"esco_short.txt", "Essential", "Optional", "is it cut off?"},
		{"minnesota_plain.txt", "Understand how", "Grasp how", "line 7: no border can be found between the title and the description of \"Biosecurity Grasp"},
		{"minnesota_plain.txt", "**Feeding:** Feeds animals.", "**Feeding:**", "line 11: \"**Feeding:**\" has a title or a description, not both"},
		{"minnesota_plain.txt", "\nUpdated 11/2025", "\n\nQuestions? Call us.", "line 14: \"Questions? Call us.\" is no bullet"},
		{"class_kingcounty.txt", "2. Performs", "3. Performs", "line 11: number 3 of the duties stands where number 2 was to come"},
		{"class_kingcounty.txt", "Ability to haggle", "Haggling.", "line 16: \"Haggling.\" begins with none of knowledge of, skill in, ability to"},
		{"class_salem.txt", "Knowledge of:", "Interest in:", "line 7: \"Interest in:\" names none of knowledge, skill, ability"},
		{"class_salem.txt", "- Pruning", "Pruning", "line 12: \"Pruning\" is no bullet"},
		{"class_salem.txt", "- Pruning\n", "", "line 11: nothing stands under \"Skill in:\""},
		{"class_salem.txt", "Skill in:", "Knowledge of:", "line 11: \"Knowledge of:\" makes a second group of the same kind"},
	} {
		b := seed{file: row.file}.bytes(t)
		if !bytes.Contains(b, []byte(row.old)) {
			t.Errorf("%s has no %q to replace", row.file, row.old)
		}
		in := bytes.ReplaceAll(b, []byte(row.old), []byte(row.new))
		_, err := Import(files[row.file], row.file, bytes.NewReader(in), Options{})
		refused(t, row.file+" with "+row.new+" for "+row.old, err, row.want)
		numbered(t, row.file+" with "+row.new+" for "+row.old, err)
	}
	_, err := Import(Minnesota, "m", bytes.NewReader(seed{file: "minnesota_plain.txt"}.bytes(t)), Options{Titles: []string{"Milking"}})
	refused(t, "a title that no bullet begins with", err, "line 14: no bullet begins with the title \"Milking\"")
}

func TestYAMLThatIsNoStandardIsRefused(t *testing.T) {
	t.Parallel()
	sound, err := byKey(t, "king-county-itpm-1").YAML()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ old, new, want string }{
		"an unknown field":         {"\ntitle: ", "\ncolour: red\ntitle: ", "line 4: field colour not found"},
		"the same field twice":     {"\ntitle: ", "\nkey: again\ntitle: ", "line 4: mapping key \"key\" already defined at line 1"},
		"a second document":        {"key: king", "--- {}\n---\nkey: king", "a second YAML document begins"},
		"an anchor":                {"title: INFORMATION", "title: &a INFORMATION", "line 4: anchors and aliases"},
		"a list for a text":        {"title: INFORMATION", "title: [a]\n#", "line 4: cannot unmarshal"},
		"not YAML":                 {"key: king", "key: {king", "line "},
		"a zero byte":              {"title: INFO", "title: \x00INFO", "line 4: the standard has the character U+0000"},
		"a digest of no digits":    {"sha256: 2a", "sha256: zz", "digest"},
		"more than four megabytes": {"notes:", "# " + strings.Repeat("x", 4<<20) + "\nnotes:", "larger than 4194304 bytes"},
	} {
		if !bytes.Contains(sound, []byte(row.old)) {
			t.Errorf("%s: nothing to replace", name)
		}
		_, err := Read(bytes.NewReader(bytes.Replace(sound, []byte(row.old), []byte(row.new), 1)))
		refused(t, name, err, row.want)
	}
	_, err = Read(strings.NewReader("# only a remark"))
	refused(t, "no document", err, "the file has no standard in it")
}
