package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/retention"
)

const (
	id    = "01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a12"
	cause = "01980a5e-7c00-7aaa-8bbb-0123456789ab"
)

var at = time.Date(2026, 3, 2, 9, 30, 0, 123456000, time.UTC)

// wire is the whole message of e as it is published, over several lines so that
// a change in it can be reviewed.
func wire(t testing.TB, e events.Event) []byte {
	t.Helper()
	env, err := events.Wrap(id, e, at, 7, cause)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(env); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// filled is e with every field set, so that no field's wire form goes untested
// and none can be forgotten here.
func filled(e events.Event) events.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	fill(v, "")
	return v.Interface().(events.Event)
}

func fill(v reflect.Value, field string) {
	if known, ok := values[v.Type()]; ok {
		v.Set(reflect.ValueOf(known))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), fmt.Sprintf("%s-%d", field, i+1))
		}
	case reflect.String:
		v.SetString(text(field))
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
		if field == "Year" {
			v.SetInt(2026)
		}
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprintf("say what %s %s looks like", field, v.Type()))
	}
}

// values are what types with a form of their own look like.
var values = map[reflect.Type]any{
	reflect.TypeFor[time.Time]():             at.Add(30 * 24 * time.Hour),
	reflect.TypeFor[canon.Digest]():          canon.Sum([]byte("kutse")),
	reflect.TypeFor[catalogue.IndicatorID](): catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 4},
	reflect.TypeFor[evidence.Kind]():         evidence.File,
	reflect.TypeFor[award.Outcome]():         award.Return,
	reflect.TypeFor[retention.Ground]():      retention.ByRequest,
}

func text(field string) string {
	switch {
	case field == "Competence", strings.HasPrefix(field, "Returned"):
		return "B.2.3"
	case field == "ValidFrom":
		return "2026-03-02"
	case field == "ValidTo":
		return "2031-03-01"
	case field == "Number":
		return "000123"
	default:
		return "some-" + strings.ToLower(field)
	}
}
