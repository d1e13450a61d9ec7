// Package browser tries the playground in a real browser: `make test-browser`.
//
// Only tests are in it. They run where BROWSER names a Chromium; `make screenshots` lets them write the pictures of the documentation too.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/dev/playground"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// within is how long anything may take that is not measured.
const within = 45 * time.Second

// site is a stack with its playground, and a browser.
type site struct {
	*stack.Stack
	t       *testing.T
	url     string
	browser context.Context
}

// TestMain lets the services be processes of their own.
func TestMain(m *testing.M) {
	stack.Main()
	os.Exit(m.Run())
}

// open starts everything, or says why it does not.
func open(t *testing.T) *site {
	t.Helper()
	program := os.Getenv("BROWSER")
	if program == "" {
		prerequisite.Missing(t, "a Chromium: make test-browser looks for one and names it in BROWSER")
	}
	s, err := stack.Start(t.Context(), stack.Options{Processes: true, Environ: []string{"SLACK_PACE=100ms"}, Slack: func(c *slackstandin.Config) { c.RetryUntilAccepted = true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	face, err := playground.New(s, playground.Options{Pace: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return face.Run(running) })
	web := httptest.NewServer(face)
	t.Cleanup(func() {
		stop()
		web.CloseClientConnections()
		web.Close()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if err := face.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{Stack: s, t: t, url: web.URL, browser: start(t, program)}
}

// start starts a Chromium that knows nothing and calls nobody.
func start(t *testing.T, program string) context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "ja"), chromedp.Env("TZ=Asia/Tokyo"),
		chromedp.Flag("force-prefers-reduced-motion", true), chromedp.Flag("font-render-hinting", "none"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// tab is one page of a site. What its console says is a failure of the test.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

type view struct {
	width, height int64
	scale         float64
	phone         bool
}

var desk = view{width: 1280, height: 800, scale: 1}

// tab opens the page in a tab of its own, in which nothing is kept of other tabs.
func (s *site) tab(query string, v view) *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.browser)
	p := &tab{t: s.t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		s.t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range console {
			if err != nil {
				return
			}
			p.hear(m)
		}
	}()
	s.t.Cleanup(func() {
		cancel()
		<-heard
		p.silent()
	})
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(v.scale)}
	if v.phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	p.do(chromedp.EmulateViewport(v.width, v.height, options...), chromedp.Navigate(s.url+"/"+query), chromedp.WaitVisible(chromedp.CSS("body[data-ready]")))
	return p
}

// hear notes every problem that the console shows: thrown, logged, or refused by the content security policy.
func (p *tab) hear(m chromedp.ConsoleMessage) {
	if m.Type != "error" && m.Type != "warning" && !m.IsException() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = append(p.bad, m.String()+" "+m.URL)
}

// forgive takes back what the console said of requests that a test let fail.
func (p *tab) forgive(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = slices.DeleteFunc(p.bad, func(text string) bool { return strings.Contains(text, part) })
}

func (p *tab) silent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.bad {
		p.t.Errorf("the console says: %s", text)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.picture("failed")
		p.t.Fatal(err)
	}
}

// eval answers what a piece of script gives; a promise is waited for.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.picture("failed")
		p.t.Fatal(err)
	}
	return value
}

// until waits until a piece of script is true.
func (p *tab) until(what, script string) {
	p.t.Helper()
	err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void]("Boolean("+script+")", chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(within)))
	if err != nil {
		p.picture("failed")
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		p.t.Fatalf("%s: %v\n%s", what, err, text)
	}
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.on(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (p *tab) keys(selector, text string) {
	p.t.Helper()
	p.on(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// on does something to an element, which is looked for again when the page draws it anew between its being found and its being used: nothing was done to it yet.
func (p *tab) on(step chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	err := chromedp.Do(ctx, step)
	for gone := (*cdproto.Error)(nil); errors.As(err, &gone) && strings.HasPrefix(gone.Message, "Could not find node"); {
		err = chromedp.Do(ctx, step)
	}
	if err != nil {
		p.picture("failed")
		p.t.Fatal(err)
	}
}

// has is a script that tells whether an element says something.
func has(selector, text string) string {
	quoted, _ := json.Marshal(text)
	of, _ := json.Marshal(selector)
	return fmt.Sprintf("[...document.querySelectorAll(%s)].some((el) => el.textContent.includes(%s))", of, quoted)
}

// picture keeps what a test saw when it failed, where SCREENSHOTS_OF_FAILURES names a folder.
func (p *tab) picture(name string) {
	folder := os.Getenv("SCREENSHOTS_OF_FAILURES")
	if folder == "" {
		return
	}
	if png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot()); err == nil {
		_ = os.WriteFile(folder+"/"+strings.ReplaceAll(p.t.Name(), "/", "_")+"-"+name+".png", png, 0o600)
	}
}
