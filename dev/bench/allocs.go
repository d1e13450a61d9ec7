package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// decisionPath are the packages with the benchmarks of what a message goes through between the wires.
var decisionPath = []string{
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook",
	"github.com/slacktalk/slacktalk/services/router/decide",
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound",
	"github.com/slacktalk/slacktalk/services/slack-gateway/render",
}

// allocs runs the Go benchmarks whose names begin with Path.
func (b *bench) allocs(ctx context.Context) ([]Measure, error) {
	args := append([]string{"test", "-run=^$", "-bench=^BenchmarkPath", "-benchmem", "-count=" + strconv.Itoa(b.Sizes.Benchmarks), "-benchtime=" + b.Sizes.BenchTime}, decisionPath...)
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("run the benchmarks: %w\n%s", err, out)
	}
	measures := parseBenchmarks(out)
	if len(measures) == 0 {
		return nil, fmt.Errorf("no benchmark ran:\n%s", out)
	}
	return measures, nil
}

// parseBenchmarks reads what go test prints.
func parseBenchmarks(out []byte) []Measure {
	var measures []Measure
	at := map[string]int{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "BenchmarkPath") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "BenchmarkPath"), "-")
		for i := 3; i < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i-1], 64)
			if err != nil {
				continue
			}
			what := name + ", " + fields[i]
			if _, known := at[what]; !known {
				at[what] = len(measures)
				measures = append(measures, Measure{What: name, Unit: strings.TrimSuffix(fields[i], "/op") + " per message"})
			}
			m := &measures[at[what]]
			m.Subject = append(m.Subject, value)
		}
	}
	return measures
}
