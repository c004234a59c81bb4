package gateway_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// holders are one person of each role.
var holders = map[person.Role]postgres.Actor{
	person.Candidate: postgrestest.Candidate, person.Assessor: postgrestest.Assessor, person.Committee: postgrestest.Member,
	person.Council: postgrestest.Auditor, person.Operator: postgrestest.Operator,
}

func TestEveryEndpointAnswersItsRolesAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, role := range person.Roles() {
		a, ok := holders[role]
		if !ok {
			t.Fatalf("nobody holds the role %s", role)
		}
		conn := d.as(a).Conn()
		for _, e := range request.Endpoints() {
			msg, err := conn.Request(request.Subject(role, a.ID, e.Resource, e.Verb), []byte("{}"), patience)
			switch {
			case !e.Allows(role) && !errors.Is(err, nats.ErrNoResponders):
				t.Errorf("%s as %s: %v, %v; want nobody to answer", e.Name(), role, msg, err)
			case e.Allows(role) && err != nil:
				t.Errorf("%s as %s: %v, want an answer", e.Name(), role, err)
			case e.Allows(role) && msg.Header.Get("Nats-Service-Error-Code") == "internal":
				t.Errorf("%s as %s, asked for nothing: %s; want a refusal or an answer; the log: %v", e.Name(), role, msg.Data, d.log.with(e.Resource))
			}
		}
	}
}

func TestTheSubjectSaysARoleButTheRecordKnowsWhoHoldsIt(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, role := range person.Roles() {
		for _, uid := range []person.ID{"c2", "nobody"} {
			if role == person.Candidate && uid == "c2" {
				continue // holds it
			}
			for _, e := range request.Endpoints() {
				if !e.Allows(role) {
					continue
				}
				d.unchanged(e.Name(), func() {
					msg := d.raw(postgres.Actor{ID: uid, Role: role}, e.Resource, e.Verb, body(e))
					if f := failureOf(t, msg); f.Kind != "forbidden" && f.Kind != "not_found" && f.Kind != "invalid" {
						t.Errorf("%s as %s, which %s is not: %s, want a refusal", e.Name(), role, uid, msg.Data)
					}
				})
			}
		}
	}
}

// Files lie beside the record, so the door has to ask it before it takes any.
func TestAStrangerLeavesNothingOnDisk(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	content := pdf(1000)
	id := fmt.Sprintf("%s-%d-%d", digest(content), len(content), limits.ChunkBytes)
	for _, uid := range []person.ID{"nobody", postgrestest.Assessor.ID} {
		a := postgres.Actor{ID: uid, Role: person.Candidate}
		ask := func(verb string, q any) error { return d.as(a).Ask(t.Context(), a.Role, "blob", verb, q, nil) }
		for verb, err := range map[string]error{
			"open":   ask("open", request.OpenUpload{Size: int64(len(content)), SHA256: *digest(content)}),
			"status": ask("status", request.OfUpload{Upload: id}),
			"put":    d.put(a, id, "0", []byte(content)),
			"commit": d.commit(a, id),
		} {
			if !errors.Is(err, fault.Forbidden) {
				t.Errorf("blob.%s as %s: %v, want forbidden", verb, uid, err)
			}
		}
	}
	if left, err := os.ReadDir(d.blobs); err != nil || len(left) != 0 {
		t.Errorf("on disk: %v, %v; want nothing", left, err)
	}
}

const someID = "018f3c2e-0000-7000-8000-00000000000a"

// body is a request that is well formed as far as ids go.
func body(e request.Endpoint) []byte {
	switch {
	case e.Name() == "person-add":
		return []byte(`{"id":"` + someID + `","person":"evil","name":"Evil","roles":["adm"]}`)
	case e.Name() == "application-open":
		return []byte(`{"id":"` + someID + `","standard":"it-manager-7"}`)
	case e.IsAct():
		return []byte(`{"id":"` + someID + `"}`)
	}
	return []byte("{}")
}
