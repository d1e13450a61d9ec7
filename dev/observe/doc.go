// Package observe holds to account what the services tell of themselves: metrics, traces, logs, alerts and dashboards.
package observe
