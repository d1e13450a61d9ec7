package manifest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
)

// Run is the subcommand `manifest`: it prints the manifest, or the link that opens Slack with it.
func Run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("slack-gateway manifest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	o := Options{}
	flags.StringVar(&o.URL, "url", "", "the https address at which Slack reaches slack-gateway, such as https://talk.example.com")
	flags.BoolVar(&o.SocketMode, "socket-mode", false, "the app connects to Slack: no public address is needed")
	flags.BoolVar(&o.Organization, "organization", false, "the app may be installed in a whole Enterprise Grid organisation")
	flags.BoolVar(&o.Rotation, "rotation", false, "tokens expire after twelve hours and are renewed (needs installation by OAuth; cannot be taken back)")
	flags.StringVar(&o.Name, "name", "KARTE Talk", "the app's name in Slack")
	flags.StringVar(&o.Lang, "lang", "ja", "ja or en: what people see of the app itself")
	link := flags.Bool("link", false, "print the address that opens Slack's page for a new app, filled in, instead of JSON")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("manifest: %q is not understood", flags.Arg(0))
	}
	return write(o, *link, stdout)
}

func write(o Options, link bool, stdout io.Writer) error {
	m, err := Make(o)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if link {
		address, err := Link(m)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, address)
		return err
	}
	encoder := json.NewEncoder(stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(m)
}
