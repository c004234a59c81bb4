package check

import (
	"strconv"
	"strings"
	"time"
)

// facts are one application with all that stands about it in the record; without an
// ID it is a part of what stands in no case, with audit rows and their rows alone.
// Facts stand in the order of their positions.
type facts struct {
	ID        string
	Candidate string
	Standard  string // digest, in hexadecimal
	Procedure string
	Opened    time.Time
	State     string
	Position  int
	Erased    bool // the candidate's key is gone

	standard  *version[standard]
	procedure *version[awardRule]

	audits   []audit
	named    map[string][]naming  // each record that an audit row names, by kind and id
	rows     map[string]found     // each row that there is, by kind and id
	receipts map[string]receipt   // by person and request
	actors   map[string]time.Time // person/role of whoever acts: since when

	events    []event
	items     []item
	rounds    []*round
	verdicts  []verdict
	findings  []finding
	proposals []proposal
	overdue   []string // proposals
	decisions []decision
	entries   []entry
	tasks     []task
	scopes    map[string]time.Time // assessor/competence, of the case's standard: since when
	roles     map[string]time.Time // person/role: since when
}

// audit is an audit row.
type audit struct {
	id, actor, role, act, candidate, standard, object, request, payload string
	position                                                            int
	records                                                             int // how many it names
	at                                                                  time.Time
}

// naming is one record that an audit row names.
type naming struct {
	audit  string
	at     time.Time
	digest string
}

// found is a row that there is.
type found struct {
	digest string
	wrong  string // why it has no digest
	at     time.Time
}

// receipt is what was answered to a request.
type receipt struct{ digest, body string }

// indicator is B.2.3/1.
type indicator struct {
	competence string
	ordinal    int
}

func (i indicator) String() string { return i.competence + "/" + strconv.Itoa(i.ordinal) }

func readIndicator(s string) indicator {
	competence, ordinal, _ := strings.Cut(s, "/")
	n, _ := strconv.Atoi(ordinal)
	return indicator{competence, n}
}

type event struct {
	id, typ, orderKey, body string
	position                int
	at                      time.Time
}

// item is a piece of evidence. What was sealed is gone by now; what became of it
// stands in opened.
type item struct {
	id, candidate, kind, digest, address string
	size                                 int64
	indicators                           []string
	opened                               opened
	blob                                 *stored // of a file: its row in the table of files
	file                                 string  // of a file: what is wrong with it on disk
}

// opened says what came of opening something sealed.
type opened struct {
	wrong  string // why it could not be opened
	blank  bool   // it holds nothing but space
	digest string // of evidence: salted, over what it says
}

type stored struct{ size int64 }

type round struct {
	id, competence string
	number         int
	asked, offered []string
	frozen         map[string][]string // item to the indicators that it was frozen for
	position       int
	at             time.Time
	closed         int // position; 0 while it is open
	closedAt       time.Time
}

type verdict struct {
	id, round, task, application, context, outcome, assessor string
	indicator                                                indicator
	saw                                                      []string
	hasReason                                                bool
	reason                                                   opened
	position                                                 int
	at                                                       time.Time
}

type finding struct {
	round, application, competence, standard, procedure string
	met                                                 bool
	open                                                []string
	position                                            int
}

type proposal struct {
	id, outcome, basis string
	position           int
}

type decision struct {
	id, proposal, outcome, member, legalBasis, standard, procedure string
	reviewed, hasGrounds                                           bool
	grounds                                                        opened
	unmet, returned                                                []string
	reasons                                                        []opened
	hasReasons                                                     []bool
	position                                                       int
	at                                                             time.Time
}

type entry struct {
	number, decision, candidate, standard, procedure, from, to string
	typ, position                                              int
}

type task struct {
	id, round, application, candidate, standard, competence, state, assessor string
}

func (c *facts) round(id string) *round {
	for _, r := range c.rounds {
		if r.id == id {
			return r
		}
	}
	return nil
}
