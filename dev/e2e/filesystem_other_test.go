//go:build !linux

package e2e

import (
	"testing"

	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

const smallDisk = "SLACKTALK_TEST_SMALL_DISK"

func serveOnSmallDisk(string) {}

func fileSystemFull(t *testing.T) (string, func(), func())     { return untestable(t) }
func allFileSystemsFull(t *testing.T) (string, func(), func()) { return untestable(t) }

// untestable: a file system of the test's own is made by Linux's means.
func untestable(t *testing.T) (string, func(), func()) {
	t.Helper()
	prerequisite.Missing(t, "Linux, by whose means a full file system is made")
	return "", nil, nil
}
