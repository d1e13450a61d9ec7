package telemetry

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How a histogram of seconds is divided where native histograms are not supported: what a machine does, and what people and limits make wait.
var (
	Short = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	Long  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
)

// Seconds makes the options of a histogram of seconds, native where the scraper asks for that, with buckets for all others.
func Seconds(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}
}

// Version answers the version that the program was built as; devel where none was given.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// revision answers the commit that the program was built from; unknown where it was built without.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}

// BuildInfo makes the metric that tells what runs.
func BuildInfo(service string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "slacktalk_build_info", Help: "1; its labels tell what runs.",
		ConstLabels: prometheus.Labels{"service": service, "version": Version(), "revision": revision(), "goversion": runtime.Version()},
	})
	info.Set(1)
	return info
}
