package top

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/jedib0t/go-pretty/v6/table"
)

// Text shows now, with the rates since before.
func Text(now, before Reading) string {
	return strings.Join([]string{messages(now, before), streams(now, before), lanes(now, before)}, "\n\n") + "\n"
}

func drawn(header table.Row, rows []table.Row) string {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Options = table.OptionsNoBordersAndSeparators
	w.AppendHeader(header)
	w.AppendRows(rows)
	return w.Render()
}

func messages(now, before Reading) string {
	rates := now.rate(before, "slacktalk_messages_total", func(s series) string { return s.label("direction") + " " + s.label("result") })
	var rows []table.Row
	for _, direction := range []string{"to_slack", "to_karte"} {
		rows = append(rows, table.Row{direction, perSecond(rates[direction+" ok"]), perSecond(rates[direction+" failed"]),
			below(now.quantile(.5, "slacktalk_end_to_end_seconds", "direction", direction)), below(now.quantile(.99, "slacktalk_end_to_end_seconds", "direction", direction))})
	}
	return drawn(table.Row{"direction", "arrived", "failed", "p50", "p99"}, rows)
}

func streams(now, before Reading) string {
	rates := now.rate(before, "slacktalk_messages_handled_total", func(s series) string { return s.label("stream") + " " + s.label("result") })
	var rows []table.Row
	for _, key := range sorted(now.most, "slacktalk_stream_pending") {
		stream := key.label("stream")
		rows = append(rows, table.Row{stream, now.most[key], age(now.most[series(fmt.Sprintf("slacktalk_stream_oldest_seconds{stream=%q}", stream))]), perSecond(rates[stream+" done"]), perSecond(rates[stream+" retried"] + rates[stream+" held"])})
	}
	rows = append(rows, table.Row{"DEAD", now.most[`slacktalk_stream_messages{stream="DEAD"}`], "", "", ""})
	return drawn(table.Row{"stream", "waiting", "oldest", "done", "again"}, rows)
}

func lanes(now, before Reading) string {
	held := now.rate(before, "slacktalk_lane_held_back_seconds_total", lane)
	var rows []table.Row
	for _, key := range sorted(now.most, "slacktalk_lane_pending") {
		labels := strings.TrimPrefix(string(key), "slacktalk_lane_pending")
		state := ""
		if now.most[series("slacktalk_lane_parked"+labels)] > 0 {
			state = "parked"
		}
		rows = append(rows, table.Row{key.label("team"), key.label("channel"), key.label("kind"), now.most[key], age(now.most[series("slacktalk_lane_oldest_seconds"+labels)]), fmt.Sprintf("%.0f %%", 100*held[lane(key)]), state})
	}
	return drawn(table.Row{"workspace", "channel", "lane", "waiting", "oldest", "held back", ""}, rows)
}

func lane(s series) string { return s.label("team") + " " + s.label("channel") + " " + s.label("kind") }

func sorted(all map[series]float64, name string) (keys []series) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key.is(name) {
			keys = append(keys, key)
		}
	}
	return keys
}

func perSecond(rate float64) string { return fmt.Sprintf("%.1f/s", rate) }

func age(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func below(seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case math.IsInf(seconds, 1):
		return "> 1h"
	}
	return "≤ " + time.Duration(seconds*float64(time.Second)).String()
}

// Live shows a new reading every so often, until a person ends it with q.
func Live(ctx context.Context, addresses []string, every time.Duration) error {
	_, err := tea.NewProgram(screen{ctx: ctx, addresses: addresses, every: every}, tea.WithContext(ctx), tea.WithAltScreen()).Run()
	return err
}

// screen is what is on the terminal.
type screen struct {
	ctx         context.Context //nolint:containedctx // it lives as long as the program
	addresses   []string
	every       time.Duration
	now, before Reading
	problem     error
}

type read struct {
	Reading
	err error
}

func (s screen) look() tea.Msg {
	reading, err := Read(s.ctx, s.addresses)
	return read{reading, err}
}

// Init takes the first reading.
func (s screen) Init() tea.Cmd { return s.look }

// Update takes a reading or a key.
func (s screen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch m := message.(type) {
	case read:
		s.before, s.now, s.problem = s.now, m.Reading, m.err
		return s, tea.Tick(s.every, func(time.Time) tea.Msg { return s.look() })
	case tea.KeyMsg:
		if key := m.String(); key == "q" || key == "esc" || key == "ctrl+c" {
			return s, tea.Quit
		}
	}
	return s, nil
}

// View draws it.
func (s screen) View() string {
	text := Text(s.now, s.before)
	if s.problem != nil {
		text += "\n" + s.problem.Error() + "\n"
	}
	return text + "\nq ends\n"
}
