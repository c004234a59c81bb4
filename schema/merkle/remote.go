package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

const (
	// requestTime bounds one request, its body included.
	requestTime = 30 * time.Second
	// requestTries is how often a file is asked for while a server is not well.
	requestTries = 4
	// requestPause is the pause before the second try; each one doubles it.
	requestPause = 250 * time.Millisecond
)

// remote is a log behind HTTP.
type remote struct {
	base   *url.URL
	client *http.Client
}

// URL is the source at an address of http or https. It follows no redirect to
// another host, reads no file larger than a log has, and asks again when a server
// says that it is busy or broken; in the end that is Unavailable.
func URL(base string) (Source, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.Invalid.New("a log is read from a folder or from an address of http or https, not %.200q", base)
	}
	r := remote{base: u, client: &http.Client{Timeout: requestTime}}
	r.client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		if to.URL.Host != u.Host || to.URL.Scheme != u.Scheme || len(via) > 3 {
			return fmt.Errorf("%s sends readers to %s, which was not asked for", u.Host, to.URL.Host)
		}
		return nil
	}
	return r, nil
}

// ReadFile implements Source.
func (r remote) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fault.Invalid.New("%.120q is no path in a log", name)
	}
	pause := requestPause
	for try := 1; ; try++ {
		b, err := r.get(ctx, name)
		if !errors.Is(err, fault.Unavailable) || try == requestTries {
			return b, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause *= 2
		}
	}
}

func (r remote) get(ctx context.Context, name string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.JoinPath(name).String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fault.Unavailable.Because(err, "%s could not be read: %v", name, err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case code == http.StatusTooManyRequests || code >= 500:
		return nil, fault.Unavailable.New("%s could not be read: %s", name, resp.Status)
	case code != http.StatusOK:
		return nil, fmt.Errorf("reading %s: %s", name, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxFile+1))
	if err != nil {
		return nil, fault.Unavailable.Because(err, "%s could not be read to its end: %v", name, err)
	}
	if len(b) > maxFile {
		return nil, tooLarge(name)
	}
	return b, nil
}
