// Package browser draws the dashboards in a real browser: `make test-browser`.
//
// Only a test is in it. It runs where BROWSER names a Chromium; `make screenshots` lets it write the pictures of the documentation, after a longer run.
package browser

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/dashboards"
	"github.com/slacktalk/slacktalk/dev/scrape"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

const (
	// within is how long it may take until the last panel has data.
	within = 60 * time.Second
	// rate is Grafana's $__rate_interval.
	rate = 15 * time.Second
	// width of the pictures.
	width = 1600
)

// TestMain lets the services be processes of their own.
func TestMain(m *testing.M) {
	stack.Main()
	os.Exit(m.Run())
}

// how long there is traffic, and where the pictures go: without SCREENSHOTS they are thrown away.
func how(t *testing.T) (lasts time.Duration, folder string) {
	t.Helper()
	if folder = os.Getenv("SCREENSHOTS"); folder != "" {
		return 3 * time.Minute, folder
	}
	return 20 * time.Second, t.TempDir()
}

// TestPicturesOfDashboards draws every dashboard after a while of traffic in which things go wrong, too. No panel is empty.
func TestPicturesOfDashboards(t *testing.T) {
	program := os.Getenv("BROWSER")
	if program == "" {
		prerequisite.Missing(t, "a Chromium: make test-browser looks for one and names it in BROWSER")
	}
	lasts, folder := how(t)
	s, err := stack.Start(t.Context(), stack.Options{Processes: true, Environ: []string{"SLACK_PACE=250ms"}, Slack: func(c *slackstandin.Config) { c.RetryUntilAccepted = true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := scrape.Start(t, s, scrape.Options{})
	began := time.Now()
	traffic(t, s, lasts)

	browser := start(t, program)
	all, err := dashboards.LoadAll("../../../deploy/grafana")
	if err != nil || len(all) < 3 {
		t.Fatalf("%d dashboards, %v", len(all), err)
	}
	for _, dashboard := range all {
		name := "dashboard-" + strings.TrimPrefix(dashboard.UID, "slacktalk-") + ".png"
		if err := os.WriteFile(filepath.Join(folder, name), picture(browser, t, drawn(t, s, p, dashboard, began)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// drawn waits until every panel has data.
func drawn(t *testing.T, s *stack.Stack, p *scrape.Prometheus, d *dashboards.Dashboard, began time.Time) (drawing *dashboards.Drawing) {
	t.Helper()
	var problem error
	defer func() {
		if problem != nil {
			t.Log(problem)
		}
	}()
	eventually.Holds(t, within, d.Title+" shows data", func() bool {
		asks(t, s)
		now := time.Now()
		step := max(now.Sub(began)/300, time.Second).Truncate(time.Millisecond)
		drawing, problem = d.Draw(p, dashboards.Window{From: began, To: now, Step: step, Rate: rate})
		return problem == nil
	})
	return drawing
}

// start starts a Chromium that knows nothing and calls nobody.
func start(t *testing.T, program string) context.Context {
	t.Helper()
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("font-render-hinting", "none"),
	)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// picture takes one of the whole page, and fails on whatever its script throws.
func picture(browser context.Context, t *testing.T, drawing *dashboards.Drawing) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := drawing.Page(&page, "../node_modules/uplot"); err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page.Bytes())
	}))
	defer site.Close()
	ctx, cancel := context.WithTimeout(browser, within)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(site.URL), chromedp.WaitVisible(chromedp.CSS("body[data-drawn]")))
	if err != nil {
		t.Fatalf("draw %s: %v", drawing.Title, err)
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`Math.ceil(document.body.getBoundingClientRect().height)`))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.querySelectorAll(".empty").length`))
	if err != nil || empty != 0 {
		t.Fatalf("%s: %d panels without data, %v", drawing.Title, empty, err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal(err)
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return png
}
