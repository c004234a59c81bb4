package pgserver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// cluster is a data folder and what is needed to run it.
type cluster struct {
	Options
	account  account
	binaries binaries
}

// clusterMajor reads the major version of the cluster in dir; 0 when there is none.
func clusterMajor(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return major
}

// prepare makes the cluster when there is none. A folder that holds anything
// else is left alone.
func (c cluster) prepare(ctx context.Context) error {
	if err := c.account.admit(filepath.Join(c.Dir, "PG_VERSION")); err != nil {
		return err
	}
	if clusterMajor(c.Dir) != 0 {
		return nil
	}
	c.removeUnfinished()
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return fault.Invalid.New("the folder %s holds other files and no PostgreSQL cluster; name an empty or a new one", c.Dir)
	}
	if c.Durable {
		c.Progress("creating the PostgreSQL cluster")
		return c.build(ctx, c.Dir)
	}
	return c.copySeed(ctx)
}

// removeUnfinished removes what a crash in build or copySeed left. The lock on
// the folder says that nobody else is at it.
func (c cluster) removeUnfinished() {
	left, _ := filepath.Glob(unfinished(c.Dir) + "*")
	for _, dir := range left {
		_ = os.RemoveAll(dir)
	}
}

func unfinished(dir string) string {
	return filepath.Join(filepath.Dir(dir), ".new-"+filepath.Base(dir)+"-")
}

// build runs initdb beside dir and renames the result: a crash half way leaves
// no folder that looks like a cluster.
func (c cluster) build(ctx context.Context, dir string) error {
	work, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(unfinished(dir)))
	if err != nil {
		return fmt.Errorf("making a folder for the new cluster: %w", err)
	}
	defer os.RemoveAll(work)
	if err := c.account.own(work); err != nil {
		return fmt.Errorf("giving the new cluster to %s: %w", c.account.name, err)
	}
	if err := c.initdb(ctx, work); err != nil {
		return err
	}
	if err := os.Rename(work, dir); err != nil {
		return fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return nil
}

func (c cluster) initdb(ctx context.Context, dir string) error {
	args := append([]string{"-D", dir, "-U", Superuser, "-A", "trust", "-E", "UTF8"}, c.locale()...)
	cmd := exec.Command(c.binaries.path("initdb"), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", environment(), c.account.attr()
	ch, err := launchChild(cmd)
	if err != nil {
		return fmt.Errorf("running initdb: %w", err)
	}
	select {
	case <-ch.ended:
	case <-ctx.Done():
		ch.kill()
		return fmt.Errorf("running initdb: %w", context.Cause(ctx))
	}
	if !cmd.ProcessState.Success() {
		return fmt.Errorf("running initdb: %w: %s", ch.state, strings.TrimSpace(out.String()))
	}
	return nil
}

// locale folds the case of Estonian letters in lower() and in the parser of
// text search alike. Plain C folds neither, and ICU on 15 only the first.
func (c cluster) locale() []string {
	switch {
	case c.binaries.version.Major >= 17:
		return []string{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}
	case runtime.GOOS == "darwin":
		return []string{"--locale=en_US.UTF-8"}
	default:
		return []string{"--locale=C.UTF-8"}
	}
}

// copySeed takes the result of an earlier initdb: copying it is five times as
// fast as making it. Clusters for tests only, since all of them share the
// system identifier of the seed.
func (c cluster) copySeed(ctx context.Context) error {
	seed := filepath.Join(c.Cache, "initdb-"+c.seedKey())
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return fmt.Errorf("making the cache folder: %w", err)
	}
	if err := c.account.admit(seed); err != nil {
		return err
	}
	if clusterMajor(seed) == 0 {
		// Another process may have been quicker; then its seed is as good.
		if err := c.build(ctx, seed); err != nil && clusterMajor(seed) == 0 {
			return err
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(c.Dir), filepath.Base(unfinished(c.Dir)))
	if err != nil {
		return fmt.Errorf("making a folder for the new cluster: %w", err)
	}
	defer os.RemoveAll(work)
	if err := copyTree(work, seed); err != nil {
		return fmt.Errorf("copying the cluster: %w", err)
	}
	if err := c.account.own(work); err != nil {
		return fmt.Errorf("giving the new cluster to %s: %w", c.account.name, err)
	}
	if err := os.Rename(work, c.Dir); err != nil {
		return fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return nil
}

// seedKey tells clusters apart that initdb would make differently.
func (c cluster) seedKey() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %q", c.binaries.dir, c.binaries.version, c.account.uid, c.locale()))
	return fmt.Sprintf("%d-%s", c.binaries.version.Major, hex.EncodeToString(sum[:6]))
}

func copyTree(dst, src string) error {
	root, err := os.OpenRoot(src)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := os.CopyFS(dst, root.FS()); err != nil {
		return err
	}
	return closeTree(dst)
}
