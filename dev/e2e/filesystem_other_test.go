//go:build !linux

package e2e

import (
	"os"
	"testing"
)

const smallDisk = "SLACKTALK_TEST_SMALL_DISK"

func serveOnSmallDisk(string) {}

func fileSystemFull(t *testing.T) (string, func(), func())     { return untestable(t) }
func allFileSystemsFull(t *testing.T) (string, func(), func()) { return untestable(t) }

// untestable: a file system of the test's own is made by Linux's means.
func untestable(t *testing.T) (string, func(), func()) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("CI needs Linux: a full file system is made by its own means")
	}
	t.Skip("*** NOT TESTED: a full file system, which is made by Linux's own means ***")
	return "", nil, nil
}
