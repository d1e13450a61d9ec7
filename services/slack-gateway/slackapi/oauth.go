package slackapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/secret"
)

// AppCredentials are of the app itself, not of an installation.
type AppCredentials struct {
	ClientID     string
	ClientSecret secret.String
	// Redirect is where Slack sends people back to.
	Redirect string
}

// Grant is what Slack gives for a code or a refresh token.
type Grant struct {
	Access, Refresh secret.String
	// ExpiresIn is zero for a token that does not end.
	ExpiresIn time.Duration
	Bot       bool
	AppID     string
	BotUser   string
	// Team is empty when the app is installed in the whole organisation.
	Team, TeamName             string
	Enterprise, EnterpriseName string
}

func grantOf(r *slack.OAuthV2Response) Grant {
	g := Grant{
		Access: secret.New(r.AccessToken), Refresh: secret.New(r.RefreshToken), ExpiresIn: time.Duration(r.ExpiresIn) * time.Second, Bot: r.TokenType == "bot",
		AppID: r.AppID, BotUser: r.BotUserID, Team: r.Team.ID, TeamName: r.Team.Name, Enterprise: r.Enterprise.ID, EnterpriseName: r.Enterprise.Name,
	}
	if r.IsEnterpriseInstall {
		g.Team, g.TeamName = "", ""
	}
	return g
}

// Exchange gives the code of an installation for its tokens. A code can be exchanged once.
func (c *Client) Exchange(ctx context.Context, app AppCredentials, code string) (Grant, error) {
	r, err := slack.GetOAuthV2ResponseContext(ctx, c.http, app.ClientID, app.ClientSecret.Reveal(), code, app.Redirect, slack.OAuthOptionAPIURL(c.base))
	if err != nil {
		return Grant{}, fmt.Errorf("oauth.v2.access: %w", classify(err))
	}
	return grantOf(r), nil
}

// Renew gives a refresh token for new tokens. It can be given once.
func (c *Client) Renew(ctx context.Context, app AppCredentials, refresh secret.String) (Grant, error) {
	r, err := slack.RefreshOAuthV2TokenContext(ctx, c.http, app.ClientID, app.ClientSecret.Reveal(), refresh.Reveal(), slack.OAuthOptionAPIURL(c.base))
	if err != nil {
		return Grant{}, fmt.Errorf("oauth.v2.access: %w", classify(err))
	}
	return grantOf(r), nil
}

// AuthorizeURL is Slack's page where somebody agrees to an installation.
func (c *Client) AuthorizeURL() string {
	return strings.TrimSuffix(c.base, "api/") + "oauth/v2/authorize"
}

// Revoke ends the client's own token.
func (c *Client) Revoke(ctx context.Context) error {
	if _, err := c.api().SendAuthRevokeContext(ctx, ""); err != nil {
		return fmt.Errorf("auth.revoke: %w", classify(err))
	}
	return nil
}

// Teams answers the workspaces that the token of an organisation acts in.
func (c *Client) Teams(ctx context.Context) ([]string, error) {
	var ids []string
	for cursor, page := "", 0; page < pages; page++ {
		teams, next, err := c.api().ListTeamsContext(ctx, slack.ListTeamsParameters{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, fmt.Errorf("auth.teams.list: %w", classify(err))
		}
		for _, team := range teams {
			ids = append(ids, team.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return ids, nil
}

// As answers a client with another token, over the same connections. team is the workspace that it acts in, where the token is an organisation's.
func (c *Client) As(token secret.String, team string) *Client {
	return &Client{http: c.http, base: c.base, token: token, team: team}
}

// Ended answers Slack's word for a token that will never be accepted again; empty for every other error.
func Ended(err error) string {
	switch c := code(err); c {
	case "token_revoked", "account_inactive", "invalid_auth", "not_authed":
		return c
	}
	return ""
}
