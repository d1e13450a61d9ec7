package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/top"
)

// topApart is how far the two readings of --once are apart, for the rates.
const topApart = time.Second

func (a *app) top() *cobra.Command {
	var addresses string
	var once bool
	var every time.Duration
	c := &cobra.Command{
		Use: "top", Short: "Watch lanes, backlogs, rates and latencies", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Watch lanes, backlogs, rates and latencies, from what the services tell Prometheus.

It asks /metrics of admin ports, not the API: name those of all three services, of every replica whose
rates are to count (kubectl port-forward brings them here). TALKCTL_METRICS may hold them instead.`,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			if addresses == "" {
				addresses = a.Getenv("TALKCTL_METRICS")
			}
			all := strings.FieldsFunc(addresses, func(r rune) bool { return r == ',' || r == ' ' })
			if len(all) == 0 {
				return usage(fmt.Errorf("name the services' metrics: --metrics http://localhost:8081/metrics,http://localhost:8082/metrics,…"))
			}
			if !once && a.OutTerminal {
				return top.Live(ctx, all, max(every, time.Second))
			}
			before, err := top.Read(ctx, all)
			if err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(topApart):
			}
			now, err := top.Read(ctx, all)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.Out, top.Text(now, before))
			return err
		}),
	}
	c.Flags().StringVar(&addresses, "metrics", "", "addresses of /metrics, with commas between them")
	c.Flags().BoolVar(&once, "once", false, "show it once, as plain text")
	c.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look")
	return c
}
