package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/sample"
)

func encode(t testing.TB, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func change(t *testing.T, v any, how func(map[string]any)) []byte {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(encode(t, v), &m); err != nil {
		t.Fatal(err)
	}
	how(m)
	return encode(t, m)
}

// decode reads body strictly into a new value of the type of like.
func decode(like any, body []byte) (any, error) {
	v := reflect.New(reflect.TypeOf(like))
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v.Interface())
	return v.Elem().Interface(), err
}

// known are values of types that not every text is a value of.
var known = map[reflect.Type]any{
	reflect.TypeFor[time.Time]():                time.Date(2026, 3, 2, 9, 30, 0, 123456000, time.UTC),
	reflect.TypeFor[canon.Digest]():             canon.Sum([]byte("kutse")),
	reflect.TypeFor[catalogue.IndicatorID]():    catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 4},
	reflect.TypeFor[catalogue.Scheme]():         catalogue.EstQF,
	reflect.TypeFor[catalogue.GroupKind]():      catalogue.Mandatory,
	reflect.TypeFor[catalogue.StatementKind]():  catalogue.Skill,
	reflect.TypeFor[application.State]():        application.Assessing,
	reflect.TypeFor[evidence.Kind]():            evidence.File,
	reflect.TypeFor[award.Outcome]():            award.Return,
	reflect.TypeFor[fault.Kind]():               fault.Conflict,
	reflect.TypeFor[canon.Salt]():               canon.Salt(canon.Sum([]byte("salt"))),
	reflect.TypeFor[sample.Seed]():              sample.Seed(canon.Sum([]byte("seed"))),
	reflect.TypeFor[reading.Purpose]():          reading.Court,
	reflect.TypeFor[person.Role]():              person.Council,
	reflect.TypeFor[procedure.Class]():          procedure.Staff,
	reflect.TypeFor[request.AuditFindingKind](): request.Observation,
}

// fill sets every field of v. Lists have length elements and are nil for none.
func fill(v reflect.Value, length int) {
	if k, ok := known[v.Type()]; ok {
		v.Set(reflect.ValueOf(k))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), length)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), length)
	case reflect.Slice:
		if length > 0 {
			v.Set(reflect.MakeSlice(v.Type(), length, length))
		}
		for i := range v.Len() {
			fill(v.Index(i), length)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, length)
		fill(elem, length)
		v.SetMapIndex(key, elem)
	case reflect.String:
		v.SetString("2026-03-02") // is a date where one is asked for
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("say what a " + v.Type().String() + " looks like")
	}
}
