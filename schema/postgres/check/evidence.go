package check

import "slices"

var evidenceRules = []rule{
	{
		name: "evidence.recorded", says: "Evidence is the candidate's own, and a file that is evidence stands in the table of files, with its size.",
		source: "our design: evidence is addressed by content", each: filesAreRecorded,
	},
	{
		name: "evidence.text", says: "What was judged opens under the candidate's key and has the recorded digest: no verdict on other bytes.",
		source: "our design: evidence is addressed by content; ISO/IEC 17024:2012, 9.4 (traceable in an appeal)", needs: []need{theKEK}, each: evidenceOpens,
	},
	{
		name: "evidence.file", says: "A file that was judged is there under its address and is the file it was: no verdict on bytes that are not there.",
		source: "our design: evidence is addressed by content; ISO/IEC 17024:2012, 7.1 and 9.4", needs: []need{theKEK, theBlobs}, each: filesAreThere,
	},
}

// judged says in words how many verdicts rest on a piece of evidence.
func (c *facts) judged(i item) int {
	n := 0
	for _, v := range c.verdicts {
		if slices.Contains(v.saw, i.digest) {
			n++
		}
	}
	return n
}

func filesAreRecorded(c *facts, say say) {
	for _, i := range c.items {
		switch {
		case i.candidate != c.Candidate:
			say("evidence_item "+i.id, "it is of %s, and the application of %s", i.candidate, c.Candidate)
		case i.kind == "file" && i.blob == nil:
			say("evidence_item "+i.id, "its file is in no table of files; %d verdicts name it", c.judged(i))
		case i.kind == "file" && i.blob.size != i.size:
			say("evidence_item "+i.id, "it says %d bytes, and its file %d", i.size, i.blob.size)
		}
	}
}

func evidenceOpens(c *facts, say say) {
	for _, i := range c.items {
		switch {
		case i.opened.wrong != "":
			say("evidence_item "+i.id, "%s; %d verdicts name it", i.opened.wrong, c.judged(i))
		case i.opened.digest != i.digest:
			say("evidence_item "+i.id, "what it says has the digest %s, not the recorded %s; %d verdicts name it", i.opened.digest, i.digest, c.judged(i))
		}
	}
}

func filesAreThere(c *facts, say say) {
	for _, i := range c.items {
		if i.kind == "file" && i.file != "" {
			say("evidence_item "+i.id, "%s; %d verdicts name it", i.file, c.judged(i))
		}
	}
}
