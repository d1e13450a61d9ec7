package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// smallDisk tells the test's own program, as JSON, which NATS server it is to be, on a small file system of its own.
const smallDisk = "SLACKTALK_TEST_SMALL_DISK"

// onSmallDisk is such a server.
type onSmallDisk struct {
	// Dir is where the file system is mounted, Probe the path by which Kubernetes sees whether the server lives.
	Dir, Name, Probe string
	Port, Route      int
	Routes           []int
}

// serveOnSmallDisk is the other process. Like Kubernetes by the liveness probe of our manifests it starts the server again when that does not live, which is what becomes
// of it at a full disk: it does not write again before it has been started again. It ends with its standard input.
func serveOnSmallDisk(told string) {
	var this onSmallDisk
	err := json.Unmarshal([]byte(told), &this)
	if err == nil {
		err = syscall.Mount("tmpfs", this.Dir, "tmpfs", 0, "size=24m")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("mounted")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	again := time.NewTicker(100 * time.Millisecond)
	for ; ; <-again.C {
		if s, err := server.NewServer(this.options()); err == nil {
			s.Start()
			if s.ReadyForConnections(within) {
				this.whileItLives(s)
			}
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
}

func (o onSmallDisk) options() *server.Options {
	options := &server.Options{
		ServerName: o.Name, Host: "127.0.0.1", Port: o.Port, HTTPHost: "127.0.0.1", HTTPPort: -1, JetStream: true, StoreDir: o.Dir, SyncAlways: true, JetStreamMaxStore: 1 << 30,
		NoSigs: true, NoLog: true, MaxPayload: 4 << 20,
	}
	if len(o.Routes) > 1 {
		options.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: o.Route}
		for _, port := range o.Routes {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
		}
	}
	return options
}

// whileItLives returns when three probes in a row have failed.
func (o onSmallDisk) whileItLives(s *server.Server) {
	client := &http.Client{Timeout: 5 * time.Second} // as the manifest's timeoutSeconds
	probes := time.NewTicker(200 * time.Millisecond) // periodSeconds, in a hurry
	defer probes.Stop()
	for failed := 0; failed < 3; <-probes.C {
		failed++
		answer, err := client.Get("http://" + s.MonitorAddr().String() + o.Probe)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			failed = 0
		}
	}
}

// The paths of the liveness probes in our manifests, for one server and for three.
const oneLives, threeLive = "/healthz", "/healthz?js-enabled-only=true"

// smallDisks starts NATS servers, one or three, each on a small file system of its own; fill and free leave one of them no room and give it back.
func smallDisks(t *testing.T, count int, probe string) (urls string, fill, free func(i int)) {
	t.Helper()
	var servers []onSmallDisk
	var routes []int
	for i := range count {
		servers = append(servers, onSmallDisk{Dir: t.TempDir(), Name: fmt.Sprintf("n%d", i), Probe: probe, Port: freePort(t), Route: freePort(t)})
		routes = append(routes, servers[i].Route)
	}
	var each, fillers []string
	for _, s := range servers {
		s.Routes = routes
		each, fillers = append(each, fmt.Sprintf("nats://127.0.0.1:%d", s.Port)), append(fillers, s.start(t))
	}
	urls = strings.Join(each, ",")
	eventually.Holds(t, within, "NATS on small disks", func() bool {
		conn, err := nats.Connect(urls)
		if err != nil {
			return false
		}
		defer conn.Close()
		js, err := conn.JetStream()
		if err != nil {
			return false
		}
		_, err = js.AccountInfo()
		return err == nil
	})
	return urls, func(i int) { fillFile(t, fillers[i]) }, func(i int) {
		if err := os.Remove(fillers[i]); err != nil {
			t.Error(err)
		}
	}
}

// fileSystemFull: the file system of the only server has no room left, whatever limit JetStream was given.
func fileSystemFull(t *testing.T) (string, func(), func()) {
	t.Helper()
	urls, fill, free := smallDisks(t, 1, oneLives)
	return urls, func() { fill(0); useUp(t, urls) }, func() { free(0) }
}

// allFileSystemsFull: those of all three servers.
func allFileSystemsFull(t *testing.T) (string, func(), func()) {
	t.Helper()
	urls, fill, free := smallDisks(t, 3, threeLive)
	all := func(do func(int)) {
		for i := range 3 {
			do(i)
		}
	}
	return urls, func() { all(fill); useUp(t, urls) }, func() { all(free) }
}

// The file system of one of three servers is full: the others go on, and what the edges take meanwhile is there once and in order. It catches up by itself when there
// is room again.
func TestPromise1OneFullDiskOfThreeStopsNothing(t *testing.T) {
	urls, fill, free := smallDisks(t, 3, threeLive)
	s := start(t, stack.Options{NATSURL: urls, Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=4", "STREAM_REPLICAS=3"}})
	t.Parallel() // it mostly waits
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message", Count: 5})
	fill(2)
	js := natstest.JetStream(t, urls)
	// More than the full server can have room for: started again, it gives back what its logs took and writes as much.
	for range 32 {
		s.eventually("a message to nobody", func() int {
			if _, err := js.Publish(t.Context(), "talk.nobody", make([]byte, 64<<10)); err != nil {
				return 503
			}
			return 200
		})
	}
	const count = 6
	want := numbered("q", count)
	for i := 1; i < count; i++ {
		line := s.replies(stack.Hanako, thread, fmt.Sprintf("```a-%03d.```", i))
		s.storesOrRefuses("hook", func() int { return s.hook(s.HookURL, "vis-1", want[i]) })
		s.storesOrRefuses("event", func() int { return s.event(s.GatewayURL, thread, line) })
	}
	answers := func() []string { return fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage) }
	eventually.Holds(t, 2*within, "everything arrives while the disk is full", func() bool {
		return len(s.order(thread, want)) >= count && len(answers()) >= count-1
	})
	if current(t, js) {
		t.Error("the server whose disk is full has everything all the same: nothing was tested")
	}
	free(2)
	eventually.Holds(t, 2*within, "the server that was full has caught up", func() bool { return current(t, js) })
	roundTrip(s, "member-2", "afterwards") // by then a second copy would have arrived, too
	if got := s.order(thread, want); !slices.Equal(got, want) {
		t.Errorf("the thread has %v", got)
	}
	if got := answers(); !slices.Equal(got, numbered("a", count)[1:]) {
		t.Errorf("KARTE has %v", got)
	}
}

// start starts the process and answers the name of a file on its file system, as seen from here.
func (o onSmallDisk) start(t *testing.T) (filler string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program)
	cmd.Env, cmd.Stderr = append(os.Environ(), smallDisk+"="+string(told)), &said
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		prerequisite.Missing(t, "a file system of its own: "+err.Error())
	}
	mounted, _ := bufio.NewReader(stdout).ReadString('\n')
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	if mounted == "" {
		_ = cmd.Wait()
		prerequisite.Missing(t, "a file system of its own: "+said.String())
	}
	return filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "root", o.Dir, "filler")
}

// fillFile takes all the room that the file system has.
func fillFile(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// useUp stores what nobody reads until nothing more can be, which is said several times in a row: what a stream's file has begun of a block of the disk still takes a few
// messages, and a busy machine may refuse one in between.
func useUp(t *testing.T, urls string) {
	t.Helper()
	js := natstest.JetStream(t, urls)
	for _, subject := range []string{"talk.nobody", "slack.nobody"} {
		refused := 0
		eventually.Holds(t, within, subject+" takes nothing more", func() bool {
			if _, err := js.Publish(t.Context(), subject, make([]byte, 100)); err != nil {
				refused++
			} else {
				refused = 0
			}
			return refused == 3
		})
	}
}
