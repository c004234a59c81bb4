package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// shownID is an id of a person in an example of the help.
var shownID = regexp.MustCompile(`(?:--as|KUTSE_AS=|--operator|--person|--candidate|--reader|add-person|hold place|council retention|council erase) ?([a-z][a-z0-9-]*)`)

// An example is copied: an id that tells who it is would stand in the log for ever.
func TestExamplesUseIDsThatTellNothing(t *testing.T) {
	t.Parallel()
	opaque := regexp.MustCompile(`^(c|a|k|n|op)-[0-9a-f]{4}$`)
	pages, err := filepath.Glob("testdata/help/*")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^ +kutse .*(?:\\\n.*)*$`).FindAll(text, -1) {
			for _, id := range shownID.FindAllSubmatch(m, -1) {
				shown++
				if !opaque.Match(id[1]) {
					t.Errorf("%s: %q is no opaque id, in %q", page, id[1], m)
				}
			}
		}
	}
	if shown < 20 {
		t.Errorf("%d ids are in the examples of %d pages", shown, len(pages))
	}
}
