package temporalserver

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"go.temporal.io/server/common/config"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite" // registers the plugin
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// store is where the server keeps everything.
type store = *config.SQL

// The attributes become pragmas and must be named without the underscore that
// Temporal's own tools put before them: with it SQLite ignores them in silence.
var durable = map[string]string{
	"mode":         "rwc",
	"journal_mode": "wal",
	"synchronous":  "2", // FULL: what was acknowledged outlives a power cut
	"busy_timeout": "10000",
}

// prepareStore makes what is missing: the file, its tables, the namespace.
func prepareStore(o Options, unique string) (store, error) {
	s := &config.SQL{PluginName: "sqlite", DatabaseName: unique, ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"}}
	if o.Dir != "" {
		s.DatabaseName = filepath.Join(o.Dir, "temporal.db")
		s.ConnectAttributes = maps.Clone(durable)
		// The plugin keeps connections to the end of the process, by their whole
		// name. Without one of its own, a second start in this process on a folder
		// that was removed and made again would go on in the removed file. "setup"
		// is a parameter that SQLite ignores and the plugin only compares with true.
		s.ConnectAttributes["setup"] = unique
		if err := makeFile(s.DatabaseName, unique); err != nil {
			return nil, err
		}
		return s, createNamespace(s, o)
	}
	// In memory the plugin makes the tables itself and keeps its connection, and
	// so the database, to the end of the process.
	return s, createNamespace(s, o)
}

// makeFile makes the tables in another file and renames it: a crash half way
// leaves no database with half its tables.
func makeFile(path, unique string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	left, _ := filepath.Glob(path + ".new-*")
	for _, file := range left {
		_ = os.Remove(file)
	}
	work := path + ".new-" + unique
	quick := &config.SQL{PluginName: "sqlite", DatabaseName: work, ConnectAttributes: map[string]string{"mode": "rwc", "synchronous": "0"}}
	if err := sqlite.SetupSchema(quick); err != nil {
		return fmt.Errorf("making the tables of Temporal: %w", err)
	}
	if err := syncFile(work); err != nil {
		return fmt.Errorf("making the database of Temporal: %w", err)
	}
	if err := os.Rename(work, path); err != nil {
		return fmt.Errorf("making the database of Temporal: %w", err)
	}
	return syncFile(filepath.Dir(path))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func createNamespace(s store, o Options) error {
	ns, err := sqlite.NewNamespaceConfig(clusterName, o.Namespace, false, nil)
	if err != nil {
		return fmt.Errorf("describing the namespace %s: %w", o.Namespace, err)
	}
	ns.Detail.Config.Retention = durationpb.New(o.Retention)
	if err := sqlite.CreateNamespaces(s, ns); err != nil {
		return fmt.Errorf("making the namespace %s: %w", o.Namespace, err)
	}
	return nil
}
