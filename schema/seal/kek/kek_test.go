package kek_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

const (
	mari = person.ID("mari")
	jaan = person.ID("jaan")
)

func TestAWrappedKeyUnwrapsForItsPersonOnly(t *testing.T) {
	t.Parallel()
	path := created(t)
	k := opened(t, path)
	key := seal.NewDataKey()
	wrapped := wrap(t, k, key)
	if bytes.Contains(wrapped, key.Bytes()) {
		t.Error("the key stands in what is wrapped")
	}
	if got, err := k.Unwrap(mari, wrapped); err != nil || !got.Equal(key) {
		t.Errorf("got another key, %v", err)
	}
	if got, err := opened(t, path).Unwrap(mari, wrapped); err != nil || !got.Equal(key) {
		t.Errorf("opened again, got another key, %v", err)
	}
	if _, err := k.Unwrap(jaan, wrapped); err == nil {
		t.Error("the key of one person unwrapped for another")
	}
	for i := range wrapped {
		bad := bytes.Clone(wrapped)
		bad[i] ^= 1
		if _, err := k.Unwrap(mari, bad); err == nil {
			t.Errorf("it unwrapped with byte %d changed", i)
		}
	}
	for n := range wrapped {
		if _, err := k.Unwrap(mari, wrapped[:n]); err == nil {
			t.Errorf("it unwrapped cut to %d bytes", n)
		}
	}
}

func TestNothingIsWrappedForNobodyNorWithoutAKey(t *testing.T) {
	t.Parallel()
	k := opened(t, created(t))
	if _, err := k.Wrap("", seal.NewDataKey()); err == nil {
		t.Error("wrapped for nobody")
	}
	if _, err := k.Wrap(mari, seal.DataKey{}); err == nil {
		t.Error("wrapped no key")
	}
}

func TestARotatedKeyIsUsedAtOnceAndTheOldOneStillUnwraps(t *testing.T) {
	t.Parallel()
	path := created(t)
	running := opened(t, path) // a process that goes on
	first, key := running.ID(), seal.NewDataKey()
	old := wrap(t, running, key)

	second, err := kek.Rotate(path)
	if err != nil || second == first {
		t.Fatalf("rotated from %s to %s, %v", first, second, err)
	}
	if got := running.ID(); got != second {
		t.Errorf("a running process uses %s, want %s", got, second)
	}
	if got, err := running.Unwrap(mari, old); err != nil || !got.Equal(key) {
		t.Errorf("what was wrapped before the rotation: %v", err)
	}
	want := []kek.Key{{ID: first}, {ID: second, Primary: true}}
	if got, err := kek.Keys(path); err != nil || !slices.Equal(got, want) {
		t.Errorf("keys %v, %v; want %v", got, err, want)
	}
	anew := wrap(t, running, key)
	if left, err := kek.Forget(path, second); err != nil || left != second {
		t.Fatalf("left %s, %v; want %s", left, err, second)
	}
	if got, err := kek.Keys(path); err != nil || !slices.Equal(got, want[1:]) {
		t.Errorf("keys %v, %v; want %v", got, err, want[1:])
	}
	for name, k := range map[string]kek.KEK{"running": running, "opened again": opened(t, path)} {
		if got, err := k.Unwrap(mari, anew); err != nil || !got.Equal(key) {
			t.Errorf("%s, wrapped anew: %v", name, err)
		}
		if _, err := k.Unwrap(mari, old); err == nil || !strings.Contains(err.Error(), first) {
			t.Errorf("%s, wrapped under the key that was dropped: %v, want an error that names %s", name, err, first)
		}
	}
}

// Between looking that everything is wrapped under a key and forgetting the others,
// somebody may rotate.
func TestAKeyThatWasRotatedMeanwhileIsNotForgotten(t *testing.T) {
	t.Parallel()
	path := created(t)
	running := opened(t, path)
	first, key := running.ID(), seal.NewDataKey()
	wrapped := wrap(t, running, key) // as everybody's: looked at and found under first
	second, err := kek.Rotate(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kek.Forget(path, first); !errors.Is(err, fault.Conflict) || !strings.Contains(fault.Message(err), second) {
		t.Errorf("forgetting all but %s: %v, want a conflict that names %s", first, err, second)
	}
	if got, err := opened(t, path).Unwrap(mari, wrapped); err != nil || !got.Equal(key) {
		t.Errorf("what is wrapped under %s: %v", first, err)
	}
	if got, err := kek.Keys(path); err != nil || len(got) != 2 {
		t.Errorf("keys %v, %v; want both", got, err)
	}
}

func TestRotatingAtTheSameTimeLosesNoKey(t *testing.T) {
	t.Parallel()
	path := created(t)
	running := opened(t, path)
	key := seal.NewDataKey()
	wrapped := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range wrapped {
		wg.Go(func() {
			if _, err := kek.Rotate(path); err != nil {
				t.Error(err)
			}
			var err error
			if wrapped[i], err = running.Wrap(mari, key); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if keys, err := kek.Keys(path); err != nil || len(keys) != 1+len(wrapped) {
		t.Errorf("%d keys, %v; want %d", len(keys), err, 1+len(wrapped))
	}
	for i, w := range wrapped {
		if got, err := running.Unwrap(mari, w); err != nil || !got.Equal(key) {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

func TestAKeyFileIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	path := created(t)
	before := content(t, path)
	if _, err := kek.Create(path); !errors.Is(err, fault.Conflict) {
		t.Errorf("created again: %v, want conflict", err)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the file was changed")
	}
	onlyTheKeyIn(t, path)
}

func TestAKeyFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := created(t)
	mode := func() os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	if got := mode(); got != 0o600 {
		t.Errorf("created with mode %o, want 600", got)
	}
	if _, err := kek.Rotate(path); err != nil || mode() != 0o600 {
		t.Errorf("rotated to mode %o, %v; want 600", mode(), err)
	}
	onlyTheKeyIn(t, path)
	for _, open := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644} {
		if err := os.Chmod(path, open); err != nil {
			t.Fatal(err)
		}
		_, err := kek.Open("file:" + path)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "chmod 600") {
			t.Errorf("mode %o: %v, want invalid, with what to do", open, err)
		}
	}
}

func TestWhatIsNoKeyIsInvalid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	secret := bytes.TrimSuffix(content(t, created(t)), []byte("}"))
	for name, uri := range map[string]string{
		"nothing":               "",
		"no scheme":             "/etc/kutse.key",
		"a service not linked":  "aws-kms://arn:of:a:key",
		"no such file":          "file:" + filepath.Join(dir, "none"),
		"a folder":              "file:" + dir,
		"an empty file":         file("empty", ""),
		"something else":        file("text", "the key is under the mat"),
		"a keyset without keys": file("bare", `{"primaryKeyId":1,"key":[]}`),
		"a keyset cut short":    file("cut", string(secret)),
	} {
		_, err := kek.Open(uri)
		if !errors.Is(err, fault.Invalid) || fault.Message(err) == "" {
			t.Errorf("%s: %v, want invalid, in words", name, err)
		}
		shows(t, name, err, secret)
	}
}

// shows fails when an error has a piece of the secret in it, in whatever form.
func shows(t *testing.T, name string, err error, secret []byte) {
	t.Helper()
	_, value, _ := bytes.Cut(secret, []byte(`"value":"`))
	value, _, _ = bytes.Cut(value, []byte(`"`))
	if len(value) < 40 {
		t.Fatalf("no key in the test's own file: %d bytes", len(value))
	}
	for _, text := range []string{fmt.Sprint(err), fmt.Sprint(fault.Cause(err))} {
		for i := 0; i+8 <= len(value); i++ {
			if strings.Contains(text, string(value[i:i+8])) {
				t.Errorf("%s: the error shows the key: %s", name, text)
				return
			}
		}
	}
}

func TestWithoutItsFileARunningProcessUnwrapsAndDoesNotWrap(t *testing.T) {
	t.Parallel()
	path := created(t)
	k := opened(t, path)
	key := seal.NewDataKey()
	wrapped := wrap(t, k, key)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Unwrap(mari, wrapped); err != nil || !got.Equal(key) {
		t.Errorf("unwrapping: %v", err)
	}
	if _, err := k.Wrap(mari, key); !errors.Is(err, fault.Invalid) {
		t.Errorf("wrapping: %v, want invalid", err)
	}
}

func TestAKeyServiceThatIsLinkedIsUsed(t *testing.T) {
	t.Parallel()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	service, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	registry.RegisterKMSClient(client{service})
	const uri = "test-kms://key/1"
	k, err := kek.Open(uri)
	if err != nil || k.ID() != uri {
		t.Fatalf("got %v, %v", k, err)
	}
	key := seal.NewDataKey()
	if got, err := k.Unwrap(mari, wrap(t, k, key)); err != nil || !got.Equal(key) {
		t.Errorf("got another key, %v", err)
	}
	if _, err := kek.Open("test-kms://key/2"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a key that the service has not: %v, want invalid", err)
	}
}

// client is a key service that has one key.
type client struct{ key tink.AEAD }

func (client) Supported(uri string) bool { return strings.HasPrefix(uri, "test-kms://") }

func (c client) GetAEAD(uri string) (tink.AEAD, error) {
	if uri != "test-kms://key/1" {
		return nil, errors.New("no such key")
	}
	return c.key, nil
}

func created(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	id, err := kek.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := opened(t, path).ID(); got != id {
		t.Fatalf("created %s, opened %s", id, got)
	}
	return path
}

func opened(t *testing.T, path string) kek.KEK {
	t.Helper()
	k, err := kek.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func wrap(t *testing.T, k kek.KEK, key seal.DataKey) []byte {
	t.Helper()
	wrapped, err := k.Wrap(mari, key)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// onlyTheKeyIn fails when something is left beside the key file: a second file
// with keys in it is one that nobody guards.
func onlyTheKeyIn(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the key file: %v, %v", entries, err)
	}
}
