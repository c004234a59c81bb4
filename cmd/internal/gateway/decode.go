package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/fault"
)

// decode reads the body of a request, strictly: valid UTF-8, one JSON object, no
// word that the request does not have. An empty body stands for {}.
func decode[R any](body []byte) (R, error) {
	var r R
	if len(body) == 0 {
		body = []byte("{}")
	}
	if !utf8.Valid(body) {
		return r, fault.Invalid.New("the request is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fault.Invalid.Because(err, "the request cannot be read: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return r, fault.Invalid.New("the request is more than one JSON value")
	}
	return r, nil
}
