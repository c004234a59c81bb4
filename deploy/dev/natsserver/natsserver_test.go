package natsserver_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestMessagesSurviveARestart(t *testing.T) {
	t.Parallel()
	o := natsserver.Options{Dir: t.TempDir(), Durable: true}

	s := start(t, o)
	js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "INTAKE", Subjects: []string{"intake.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "intake.a", []byte("evidence")); err != nil {
		t.Fatal(err)
	}
	stop(t, s)

	s = start(t, o)
	defer stop(t, s)
	stream, err := connect(t, s).Stream(t.Context(), "INTAKE")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != "evidence" {
		t.Errorf("after a restart the message is %v, %v", msg, err)
	}
}

func TestSecondStartOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	o := natsserver.Options{Dir: t.TempDir()}
	s := start(t, o)
	defer stop(t, s)
	_, err := natsserver.Start(t.Context(), o)
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: %v, want a conflict that names this process", err)
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	o := natsserver.Options{Dir: t.TempDir(), Port: port}
	_, err = natsserver.Start(t.Context(), o)
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), strconv.Itoa(port)) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want the port named", err)
	}
	// The failed start holds nothing back.
	o.Port = 0
	stop(t, start(t, o))
}

func TestClientsOfOtherProcessesConnect(t *testing.T) {
	t.Parallel()
	s := start(t, natsserver.Options{Dir: t.TempDir()})
	defer stop(t, s)
	if !strings.HasPrefix(s.URL(), "nats://127.0.0.1:") {
		t.Errorf("listens on %s, want loopback", s.URL())
	}
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := nc.MaxPayload(); got != 1<<20 {
		t.Errorf("takes messages of %d bytes, want 1 MB", got)
	}
}

func start(t *testing.T, o natsserver.Options) *natsserver.Server {
	t.Helper()
	began := time.Now()
	s, err := natsserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("NATS ready in %s", time.Since(began).Round(time.Millisecond))
	return s
}

func stop(t *testing.T, s *natsserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, s *natsserver.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("", s.InProcess())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
