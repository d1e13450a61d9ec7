// Command images builds the container images of the services and of talkctl without a container engine.
//
// Each is one static program on nothing, for two platforms. The same commit, Go version and tag give the same digest: what
// goes in is the commit's, and all times are the commit's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		stop()
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// order is what the command line asks for.
type order struct {
	// root is the repository's folder, out the one for the archives.
	root, out string
	// repository and tag make an image's name: <repository>/<program>:<tag>.
	repository, tag string
	platforms       []string
	push            bool
	programs        []program
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	source, err := describe(ctx, o.root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return fmt.Errorf("make the folder for the images: %w", err)
	}
	for _, p := range o.programs {
		if err := o.make(ctx, p, source); err != nil {
			return fmt.Errorf("image of %s: %w", p.name, err)
		}
	}
	return nil
}

func parse(args []string) (order, error) {
	var o order
	var platforms string
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", ".", "the repository's `folder`")
	flags.StringVar(&o.out, "out", filepath.Join(".bin", "images"), "the `folder` for the archives")
	flags.StringVar(&o.repository, "repository", "slacktalk", "what stands before the program in an image's name")
	flags.StringVar(&o.tag, "tag", "", "the images' tag, the release's version")
	flags.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64", "what to build for")
	flags.BoolVar(&o.push, "push", false, "also push to the registry, as whoever is logged in there")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(flags.Output(), "usage: images -tag VERSION [flags] [ingest-karte|router|slack-gateway|talkctl ...]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return order{}, err //nolint:wrapcheck // it has been shown with the usage
	}
	if o.tag == "" || o.tag == "latest" {
		return order{}, errors.New("give the images a -tag that says what they are")
	}
	o.platforms = strings.Split(platforms, ",")
	var err error
	o.programs, err = choose(flags.Args())
	return o, err
}
