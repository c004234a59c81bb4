// Package events says what happened: the facts that leave the record, their
// words and their wire form (CloudEvents 1.0, structured JSON).
//
// A fact carries ids, digests and what a consumer needs to decide whether it
// cares; never content, never a name. Published versions never change: a new
// version is a new struct with a new type.
package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Event is a fact. Its type is a noun and a past participle with a version:
// evidence.submitted.v1.
type Event interface {
	Type() string
	Key() Key
}

// Key says whose fact it is: an application's with its candidate, an assessor's
// own, a person's, or a log's; one of them, never two. Facts of one application are
// published in the order of the application's sequence; the others stand in none.
type Key struct {
	Candidate   person.CandidateID
	Application application.ID
	Assessor    person.AssessorID
	Person      person.ID
	Log         int // year of the log
}

// Subject names the one whose fact it is, as the envelope does: the application,
// the assessor, the person, or the year of the log; "" when it is nobody's.
func (k Key) Subject() string {
	switch {
	case k.Application != "":
		return string(k.Application)
	case k.Assessor != "":
		return string(k.Assessor)
	case k.Person != "":
		return string(k.Person)
	case k.Log > 0:
		return strconv.Itoa(k.Log)
	default:
		return ""
	}
}

// whole says whether it names one of those, and all of it: a fact that names
// nobody, as "data": null would make one, must not reach whoever acts on facts.
func (k Key) whole() bool {
	switch k {
	case Key{Candidate: k.Candidate, Application: k.Application}:
		return k.Candidate != "" && k.Application != ""
	case Key{Assessor: k.Assessor}, Key{Person: k.Person}:
		return true
	case Key{Log: k.Log}:
		return k.Log > 0
	default:
		return false
	}
}

// All returns one zero value of every event, for the tests and documents that
// walk them.
func All() []Event {
	return []Event{
		ApplicationOpened{},
		ApplicationWithdrawn{},
		EvidenceSubmitted{},
		CompetencesHandedIn{},
		TasksOpened{},
		TaskClaimed{},
		TaskReleased{},
		VerdictsRecorded{},
		RoundClosed{},
		CompetencesWeighed{},
		AssessmentOverdue{},
		AwardProposed{},
		AwardDecided{},
		DecisionOverdue{},
		QualificationRegistered{},
		PersonErased{},
		CheckpointSigned{},
	}
}

// Source is the CloudEvents source of every fact of the record.
const Source = "/kutse/record"

// Envelope is a fact on its way: the attributes of CloudEvents 1.0 and the fact
// as JSON.
type Envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"` // UUIDv7, also the Nats-Msg-Id
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"` // whose fact it is, as [Key.Subject] says it
	Time            time.Time       `json:"time"`    // UTC, when it was recorded
	DataContentType string          `json:"datacontenttype"`
	Sequence        string          `json:"sequence,omitempty"`    // place in the application's sequence, ten digits
	CausationID     string          `json:"causationid,omitempty"` // the request that caused it
	Data            json.RawMessage `json:"data"`
}

// Wrap puts a fact into its envelope. position is its place in the application's
// sequence, 0 for none; cause is the id of the request, "" for none.
func Wrap(id string, e Event, at time.Time, position int, cause string) (Envelope, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return Envelope{}, fmt.Errorf("event %s: %w", e.Type(), err)
	}
	env := Envelope{
		SpecVersion: "1.0", ID: id, Source: Source, Type: e.Type(), Subject: e.Key().Subject(),
		Time: at.UTC(), DataContentType: "application/json", CausationID: cause, Data: data,
	}
	if position > 0 {
		env.Sequence = fmt.Sprintf("%010d", position)
	}
	return env, nil
}

// Open reads an envelope and the fact in it. An envelope that is not ours, an
// unknown type, a fact with unknown words or of nobody is Invalid: it will never be right,
// and belongs with the dead letters.
func Open(body []byte) (Envelope, Event, error) {
	var env Envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return Envelope{}, nil, fault.Invalid.Because(err, "the message is no CloudEvent")
	}
	if env.SpecVersion != "1.0" || env.ID == "" || env.Source != Source {
		return env, nil, fault.Invalid.New("the message is no fact of this record: specversion %q, id %q, source %q", env.SpecVersion, env.ID, env.Source)
	}
	decode, ok := decoders[env.Type]
	if !ok {
		return env, nil, fault.Invalid.New("no event has the type %.60q", env.Type)
	}
	event, err := decode(env.Data)
	if err != nil {
		return env, nil, fault.Invalid.Because(err, "event %s cannot be read", env.Type)
	}
	if !event.Key().whole() {
		return env, nil, fault.Invalid.New("event %s does not say whose it is", env.Type)
	}
	return env, event, nil
}

// decoders reads each type back into its struct. It is a fixed table, so that
// adding an event to All and forgetting it here fails the test that walks All.
var decoders = map[string]func([]byte) (Event, error){
	ApplicationOpened{}.Type():       decode[ApplicationOpened],
	ApplicationWithdrawn{}.Type():    decode[ApplicationWithdrawn],
	EvidenceSubmitted{}.Type():       decode[EvidenceSubmitted],
	CompetencesHandedIn{}.Type():     decode[CompetencesHandedIn],
	TasksOpened{}.Type():             decode[TasksOpened],
	TaskClaimed{}.Type():             decode[TaskClaimed],
	TaskReleased{}.Type():            decode[TaskReleased],
	VerdictsRecorded{}.Type():        decode[VerdictsRecorded],
	RoundClosed{}.Type():             decode[RoundClosed],
	CompetencesWeighed{}.Type():      decode[CompetencesWeighed],
	AssessmentOverdue{}.Type():       decode[AssessmentOverdue],
	AwardProposed{}.Type():           decode[AwardProposed],
	AwardDecided{}.Type():            decode[AwardDecided],
	DecisionOverdue{}.Type():         decode[DecisionOverdue],
	QualificationRegistered{}.Type(): decode[QualificationRegistered],
	PersonErased{}.Type():            decode[PersonErased],
	CheckpointSigned{}.Type():        decode[CheckpointSigned],
}

func decode[E Event](data []byte) (Event, error) {
	var e E
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&e)
	return e, err
}
