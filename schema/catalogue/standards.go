package catalogue

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/kutse-dev/kutse/schema/fault"
)

//go:embed standards/*.yaml
var files embed.FS

// embedded is read once. A standard that does not pass Check cannot have been
// released, so failing here is ours and loud.
var embedded = sync.OnceValue(func() []*Standard {
	entries, err := files.ReadDir("standards")
	if err != nil {
		panic(err)
	}
	var all []*Standard
	for _, e := range entries {
		b, err := files.ReadFile("standards/" + e.Name())
		if err != nil {
			panic(err)
		}
		s, err := Read(bytes.NewReader(b))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", e.Name(), err))
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Standard) int { return strings.Compare(a.Key, b.Key) })
	return all
})

// All returns the standards that come with the program, by key. They are shared
// and not to be changed.
func All() []*Standard { return slices.Clone(embedded()) }

// ByKey finds a standard that comes with the program.
func ByKey(key string) (*Standard, error) {
	var known []string
	for _, s := range embedded() {
		if s.Key == key {
			return s, nil
		}
		known = append(known, s.Key)
	}
	return nil, fault.NotFound.New("there is no standard %.80q; the program has %s", key, strings.Join(known, ", "))
}
