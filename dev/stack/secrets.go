package stack

// Secrets are what a stack signs with. They are made up, and no secrets: a stack listens on loopback only.
type Secrets struct {
	SlackSigning string `json:"slack_signing"`
	KarteClient  string `json:"karte_client"`
	KarteToken   string `json:"karte_token"`
	SlackBot     string `json:"slack_bot"`
}

// DemoSecrets are those of every stack, for who wants to sign a request by hand.
func DemoSecrets() Secrets {
	return Secrets{SlackSigning: signingSecret, KarteClient: clientSecret, KarteToken: apiToken, SlackBot: botToken}
}
