package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// patient is how long anything may take here, on a busy machine with the race detector.
const patient = 20 * time.Second

func (r *running) get(t *testing.T, token string) error {
	t.Helper()
	_, err := r.GetTeamSettings(as(t, token), &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")})
	return err
}

// wantRetry fails unless err is RESOURCE_EXHAUSTED and tells when to come again.
func wantRetry(t *testing.T, what string, err error) {
	t.Helper()
	wantCode(t, what, err, codes.ResourceExhausted)
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok && retry.GetRetryDelay().AsDuration() > 0 {
			return
		}
	}
	t.Errorf("%s: does not tell when to try again: %v", what, status.Convert(err).Details())
}

func TestATokenThatCallsTooOftenIsToldWhenToComeAgain(t *testing.T) {
	r := start(t, func(o *Options) { o.Rate = Rate{PerSecond: 0.001, Burst: 3} })
	for range 3 {
		wantCode(t, "within its rate", r.get(t, viewerDemo), codes.OK)
	}
	wantRetry(t, "over its rate", r.get(t, viewerDemo))
	stream, err := r.WatchTeamSettings(as(t, viewerDemo), &settingsv1.WatchTeamSettingsRequest{Name: settings.TeamName("demo")})
	if err == nil {
		_, err = stream.Recv()
	}
	wantRetry(t, "a stream over its rate", err)
	wantCode(t, "another token", r.get(t, operatorDemo), codes.OK)
	_, err = grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	wantCode(t, "a probe", err, codes.OK)
}

func TestARateComesBackWithTime(t *testing.T) {
	r := start(t, func(o *Options) { o.Rate = Rate{PerSecond: 20, Burst: 1} })
	wantCode(t, "first", r.get(t, viewerDemo), codes.OK)
	eventually.Holds(t, patient, "the rate comes back", func() bool { return r.get(t, viewerDemo) == nil })
}

func TestGuessingIsSlowAndDoesNotShutOutThoseWhoAreKnown(t *testing.T) {
	r := start(t, func(o *Options) { o.Guesses = Rate{PerSecond: 0.001, Burst: 3} })
	wantCode(t, "a known token", r.get(t, viewerDemo), codes.OK)
	for range 3 {
		wantCode(t, "a guess", r.get(t, "guess"), codes.Unauthenticated)
	}
	wrong, right := r.get(t, "guess"), r.get(t, adminAll)
	wantRetry(t, "one guess too many", wrong)
	if wantRetry(t, "a guess that is right", right); wrong.Error() != right.Error() {
		t.Errorf("a guess too many learns that it was right: %v, %v", wrong, right)
	}
	wantCode(t, "the known token", r.get(t, viewerDemo), codes.OK)
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

func TestGuessesAreCountedByAddressWithoutItsPort(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.7:4711": "192.0.2.7", "[::ffff:192.0.2.7]:4711": "::ffff:192.0.2.7", "[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:4711": "fe80::/64", "bufconn": "bufconn", "@": "@",
	} {
		if got := addressOf(peer.NewContext(t.Context(), &peer.Peer{Addr: address(from)})); got != want {
			t.Errorf("%s counts for %s, want %s", from, got, want)
		}
	}
	if got := addressOf(t.Context()); got != "" {
		t.Errorf("nowhere counts for %q", got)
	}
}

func TestWhatIsTooLargeHarmsNobodyElse(t *testing.T) {
	r := start(t)
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			request := set("demo", "op1", "U0DEMO1")
			request.OperatorLink.DisplayName = strings.Repeat("x", 10<<20)
			_, err := r.SetOperatorLink(as(t, adminDemo), request)
			wantCode(t, "10 MiB", err, codes.ResourceExhausted)
			ctx := metadata.AppendToOutgoingContext(as(t, viewerDemo), "x-filler", strings.Repeat("x", 64<<10))
			if _, err := r.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")}); err == nil {
				t.Error("64 KiB of headers were taken")
			}
		})
		for range 20 {
			wantCode(t, "meanwhile", r.get(t, viewerDemo), codes.OK)
		}
	}
	others.Wait()
	wantCode(t, "afterwards", r.get(t, viewerDemo), codes.OK)
}

// listening is a server on a socket of its own.
type listening struct {
	*running
	net.Listener
	accepted atomic.Int64
}

func (l *listening) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	l.accepted.Add(1)
	return conn, err
}

func listen(t *testing.T, change ...func(*Options)) *listening {
	t.Helper()
	l := &listening{running: start(t, change...)}
	var err error
	if l.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { l.server.Serve(l) })
	t.Cleanup(func() { l.server.Stop(); served.Wait() })
	return l
}

// dial opens a raw connection that ends with the test.
func (l *listening) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// client opens a connection of gRPC.
func (l *listening) client(t *testing.T) grpc_health_v1.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

// ends fails unless the server closes the connection in time.
func ends(t *testing.T, what string, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patient))
	var timeout net.Error
	if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%s: the connection is still open", what)
	}
}

// trickle writes what is given byte by byte until the other side has enough of it, and then one byte for ever.
func trickle(conn net.Conn, text string, each time.Duration) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for i := 0; ; i++ {
		letter := byte(0)
		if i < len(text) {
			letter = text[i]
		}
		if _, err := conn.Write([]byte{letter}); err != nil {
			return
		}
		<-tick.C
	}
}

// The frame is the beginning of HEADERS of 16,000 bytes that never end.
const (
	emptySettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	slowHeaders   = "\x00\x3e\x80\x01\x04\x00\x00\x00\x01"
)

func TestSlowCallersAreCutOffWhileOthersAreServed(t *testing.T) {
	l := listen(t, func(o *Options) { o.Handshake, o.ConnectionAge = 300*time.Millisecond, time.Second })
	var tricklers sync.WaitGroup
	slow := map[string]net.Conn{"says nothing": l.dial(t)}
	for name, text := range map[string]string{
		"half a greeting":         http2.ClientPreface[:10],
		"greets letter by letter": http2.ClientPreface,
		"endless headers":         http2.ClientPreface + emptySettings + slowHeaders,
	} {
		conn := l.dial(t)
		slow[name] = conn
		switch name {
		case "half a greeting":
			conn.Write([]byte(text))
		case "greets letter by letter":
			tricklers.Go(func() { trickle(conn, text, 50*time.Millisecond) })
		default:
			conn.Write([]byte(text))
			tricklers.Go(func() { trickle(conn, "", 20*time.Millisecond) })
		}
	}
	client := l.client(t)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for range 50 {
		// On a busy machine a caller may be too slow for that as well, and connects again.
		_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
		wantCode(t, "meanwhile", err, codes.OK)
	}
	for name, conn := range slow {
		ends(t, name, conn)
		conn.Close()
	}
	tricklers.Wait()
}

func TestHalfATLSHandshakeIsCutOff(t *testing.T) {
	certificates := httptest.NewTLSServer(nil) // for its certificate
	defer certificates.Close()
	l := listen(t, func(o *Options) { o.Handshake, o.TLS = 300*time.Millisecond, certificates.TLS.Clone() })
	conn := l.dial(t)
	conn.Write([]byte("\x16\x03\x01\x02\x00\x01")) // the first bytes of a ClientHello of 512
	var trickler sync.WaitGroup
	trickler.Go(func() { trickle(conn, "", 20*time.Millisecond) })
	ends(t, "half a handshake", conn)
	conn.Close()
	trickler.Wait()
}

func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	l := listen(t)
	for range 300 {
		if _, err := l.dial(t).Write([]byte(http2.ClientPreface + emptySettings)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	_, err := l.client(t).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	wantCode(t, "beside 300 idle connections", err, codes.OK)
}

func TestConnectionsAreRenewedWithoutACallThatFails(t *testing.T) {
	l := listen(t, func(o *Options) { o.ConnectionAge = 100 * time.Millisecond })
	client := l.client(t)
	for deadline := time.Now().Add(patient); l.accepted.Load() < 4; {
		_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if wantCode(t, "over an ageing connection", err, codes.OK); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d connections, want 4", l.accepted.Load())
		}
	}
}

func TestWhoeverPingsWithoutEndIsSentAway(t *testing.T) {
	conn := listen(t).dial(t)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for i := range byte(10) {
		if framer.WritePing(false, [8]byte{i}) != nil {
			break // it has closed already
		}
	}
	conn.SetReadDeadline(time.Now().Add(patient))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("closed without a word: %v", err)
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			if away.ErrCode != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("sent away with %v", away.ErrCode)
			}
			break
		}
	}
	ends(t, "pings", conn)
}

func TestStreamsThatAreCancelledEndInside(t *testing.T) {
	var under sync.WaitGroup
	r := start(t, func(o *Options) {
		o.Diagnostics = trial{run: func(ctx context.Context, send func() error) error {
			defer under.Done()
			if err := send(); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}}
	})
	ctx, cancel := context.WithCancel(as(t, adminDemo))
	defer cancel()
	for range 50 {
		under.Add(1)
		stream, err := adminv1.NewDiagnosticsServiceClient(r.conn).RunDiagnostics(ctx, &adminv1.RunDiagnosticsRequest{Parent: "projects/demo"})
		if err == nil {
			_, err = stream.Recv()
		}
		wantCode(t, "begun", err, codes.OK)
	}
	cancel()
	ended := make(chan struct{})
	go func() { under.Wait(); close(ended) }()
	select {
	case <-ended: // and TestMain sees to it that nothing else is left
	case <-time.After(patient):
		t.Error("streams go on although they were cancelled")
	}
}

func TestNobodyHoldsMoreThanTheirStreams(t *testing.T) {
	r := start(t, func(o *Options) { o.Streams = 2 })
	watch := func(token string) (end func(), err error) {
		ctx, cancel := context.WithCancel(as(t, token))
		stream, err := r.WatchTeamSettings(ctx, &settingsv1.WatchTeamSettingsRequest{Name: settings.TeamName("demo")})
		if err == nil {
			_, err = stream.Recv()
		}
		return cancel, err
	}
	probe := func() error {
		stream, err := grpc_health_v1.NewHealthClient(r.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	end, err := watch(viewerDemo)
	wantCode(t, "the first", err, codes.OK)
	endSecond, err := watch(viewerDemo)
	defer endSecond()
	wantCode(t, "the second", err, codes.OK)
	endThird, err := watch(viewerDemo)
	defer endThird()
	wantCode(t, "one too many", err, codes.ResourceExhausted)
	endOther, err := watch(operatorDemo)
	defer endOther()
	wantCode(t, "another token", err, codes.OK)
	wantCode(t, "a single call", r.get(t, viewerDemo), codes.OK)
	wantCode(t, "a probe", probe(), codes.OK)
	wantCode(t, "a second probe", probe(), codes.OK)
	wantCode(t, "a probe too many", probe(), codes.ResourceExhausted)
	end()
	for deadline := time.Now().Add(patient); ; {
		endNext, err := watch(viewerDemo)
		defer endNext()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a stream that ended is still counted: %v", err)
		}
	}
}
