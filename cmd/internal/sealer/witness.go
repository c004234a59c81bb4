package sealer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// Witness is somebody who signs checkpoints of logs after seeing for themselves that
// each goes on from the one before: c2sp.org/tlog-witness. A log that several of them
// signed shows the same to everybody.
type Witness struct {
	url      string
	verifier *cosigner
	client   *http.Client
}

const (
	// witnessTime bounds one request, and witnessTries how often a checkpoint is
	// shown when the witness knows another size than we thought.
	witnessTime  = 10 * time.Second
	witnessTries = 3
	// maxCosignature bounds a reply.
	maxCosignature = 16 << 10
)

// NewWitness is the witness at an address, whose signatures vkey verifies.
func NewWitness(url, vkey string) (Witness, error) {
	v, err := parseCosigner(vkey)
	if err != nil {
		return Witness{}, err
	}
	return Witness{strings.TrimSuffix(url, "/"), v, &http.Client{Timeout: witnessTime}}, nil
}

// Cosign shows a checkpoint to the witness, and how it follows from the one of old
// records, and returns the lines that it signed. Conflict when the witness saw a log
// that this one does not go on from.
func (w Witness) Cosign(ctx context.Context, from merkle.Hashes, c merkle.Checkpoint, old int64) (lines string, err error) {
	for range witnessTries {
		if old > c.Size {
			return "", fault.Conflict.New("%s signed %d records of %s and the log has %d: the rest was taken back", w.verifier.Name(), old, c.Origin, c.Size)
		}
		body, err := addCheckpoint(ctx, from, c, old)
		if err != nil {
			return "", err
		}
		status, reply, err := w.post(ctx, body)
		switch {
		case err != nil:
			return "", err
		case status == http.StatusConflict:
			if old, err = strconv.ParseInt(strings.TrimSpace(string(reply)), 10, 64); err != nil || old < 0 {
				return "", fmt.Errorf("%s does not say which size it knows", w.verifier.Name())
			}
		case status == http.StatusUnprocessableEntity:
			return "", fault.Conflict.New("%s finds that %s at %d does not go on from what it signed at %d", w.verifier.Name(), c.Origin, c.Size, old)
		case status != http.StatusOK:
			return "", fmt.Errorf("%s answers %d: %.200q", w.verifier.Name(), status, reply)
		default:
			return w.signed(c, reply)
		}
	}
	return "", fault.Unavailable.New("%s knows another size each time", w.verifier.Name())
}

func addCheckpoint(ctx context.Context, from merkle.Hashes, c merkle.Checkpoint, old int64) ([]byte, error) {
	proof, err := merkle.ProveTree(ctx, from, old, c.Size)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(c.Note)
	return b.Bytes(), nil
}

func (w Witness) post(ctx context.Context, body []byte) (status int, reply []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, nil, fault.Unavailable.Because(err, "%s does not answer: %v", w.verifier.Name(), err)
	}
	defer resp.Body.Close()
	reply, err = io.ReadAll(io.LimitReader(resp.Body, maxCosignature))
	return resp.StatusCode, reply, err
}

// signed keeps of a reply the lines that the witness's key signed: others are nothing
// that we could vouch for.
func (w Witness) signed(c merkle.Checkpoint, reply []byte) (string, error) {
	text, _, found := bytes.Cut(c.Note, []byte("\n\n"))
	if !found {
		return "", errors.New("a checkpoint has no signatures")
	}
	n, err := note.Open(append(append(bytes.Clone(text), "\n\n"...), reply...), note.VerifierList(w.verifier))
	if err != nil {
		return "", fmt.Errorf("%s sent no signature of its own: %w", w.verifier.Name(), err)
	}
	var lines strings.Builder
	for _, sig := range n.Sigs {
		fmt.Fprintf(&lines, "— %s %s\n", sig.Name, sig.Base64)
	}
	return lines.String(), nil
}

// show has a witness sign the latest checkpoint of each log, as often as the sealer
// seals, and for as long as led. A witness who is away holds nothing up.
func (s *Sealer) show(led context.Context, w Witness) {
	signed := map[int]int64{} // by year
	log := s.Log.With(slog.String("witness", w.verifier.Name()))
	pause, quiet := s.Every, false
	for led.Err() == nil {
		err := s.showAll(led, w, signed)
		switch {
		case led.Err() != nil:
			return
		case err == nil && quiet:
			log.InfoContext(led, "the witness signs again")
			pause, quiet = s.Every, false
		case errors.Is(err, fault.Conflict) && !quiet:
			log.ErrorContext(led, "the witness saw another log than this one", slog.Any("error", err))
			pause, quiet = lastRetry, true
		case err != nil && !quiet:
			log.WarnContext(led, "the witness does not sign", slog.Any("error", err))
			quiet = true
		}
		if err != nil {
			pause = min(2*pause, lastRetry)
		}
		wait(led, pause)
	}
}

func (s *Sealer) showAll(led context.Context, w Witness, signed map[int]int64) error {
	years, err := s.Record.LogYears(led)
	if err != nil {
		return err
	}
	var errs []error
	for _, y := range years {
		errs = append(errs, s.showYear(led, w, y, signed))
	}
	return errors.Join(errs...)
}

func (s *Sealer) showYear(led context.Context, w Witness, year int, signed map[int]int64) error {
	p, err := s.Record.Publication(led, year)
	if err != nil {
		return err
	}
	c, err := merkle.ParseCheckpoint(p.Checkpoint)
	if err != nil || signed[year] == c.Size && c.Size > 0 {
		return err
	}
	old, known := signed[year]
	if !known {
		if old, err = s.Record.Cosigned(led, year, w.verifier.vkey); err != nil {
			return err
		}
		if old == c.Size {
			signed[year] = old
			return nil
		}
	}
	lines, err := w.Cosign(led, s.Record.Log(year), c, old)
	if err != nil {
		return err
	}
	// A crash before this line leaves a signature that nobody has; the witness gives
	// another one for the same checkpoint.
	if err := s.Record.StoreCosignature(led, year, c.Size, w.verifier.vkey, lines); err != nil {
		return err
	}
	signed[year] = c.Size
	s.mu.Lock()
	s.behind[year] = true // the checkpoint that is published has one signature more
	s.mu.Unlock()
	s.publish(led)
	return nil
}
