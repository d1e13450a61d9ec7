package diagnose

// The checks, by the names that never change.
const (
	karteService     = "karte-service"
	karteToken       = "karte-token"
	karteScopes      = "karte-scopes"
	slackService     = "slack-service"
	slackToken       = "slack-token"
	slackScopes      = "slack-scopes"
	slackWorkspace   = "slack-workspace"
	slackChannels    = "slack-channels"
	settingsThere    = "settings"
	notifications    = "notifications"
	replies          = "replies"
	mentions         = "mentions"
	admins           = "admins"
	routing          = "routing"
	operatorLinks    = "operator-links"
	slackMembers     = "slack-members"
	karteHooks       = "karte-hooks"
	karteProject     = "karte-project"
	karteHookSecret  = "karte-hook-secret" //nolint:gosec // the name of a check
	slackEvents      = "slack-events"
	slackSecret      = "slack-signing-secret"
	redisAnswers     = "redis"
	redisPersistence = "redis-persistence"
	natsAnswers      = "nats"
	natsStreams      = "nats-streams"
	natsConsumers    = "nats-consumers"
	backlog          = "backlog"
	held             = "held"
	lanes            = "lanes"
	deadLetters      = "dead-letters"
	clocks           = "clocks"
	testMessage      = "test-message"
)

// checks answers all of them, in the order in which a person would look: whether everything is installed and has its rights, whether it is where
// it is meant to be, whether it is set as intended, who is linked, whether anything arrives, and what all of it stands on.
func checks(sendTest bool) []check {
	all := []check{
		{id: karteService, title: "ingest-karte runs for this project", look: lookKarteService},
		{id: karteToken, title: "KARTE accepts the API token", look: lookKarteToken},
		{id: karteScopes, title: "the API token may do what is needed at KARTE", look: lookKarteScopes},
		{id: slackService, title: "slack-gateway runs", look: lookSlackService},
		{id: slackToken, title: "Slack accepts the bot token", look: lookSlackToken},
		{id: slackScopes, title: "the bot token has all scopes", look: lookSlackScopes},
		{id: settingsThere, title: "the project has settings", look: lookSettings},
		{id: slackWorkspace, title: "the app is installed in the workspace of the settings", look: lookWorkspace},
		{id: slackChannels, title: "the app is in every channel of the settings", look: lookChannels},
		{id: notifications, title: "notifications are on", look: lookNotifications},
		{id: replies, title: "replies in threads are on", look: lookReplies},
		{id: mentions, title: "somebody is mentioned", look: lookMentions},
		{id: admins, title: "somebody is told when something stops", look: lookAdmins},
		{id: routing, title: "the routing rules make sense", look: lookRouting},
		{id: operatorLinks, title: "operators are linked to Slack members", look: lookLinks},
		{id: slackMembers, title: "members and user groups of the settings belong to the workspace", look: lookMembers},
		{id: karteHooks, title: "hooks arrive from KARTE", look: lookHooks},
		{id: karteProject, title: "hooks are of this project", look: lookProject},
		{id: karteHookSecret, title: "hooks are signed with the client secret", look: lookHookSecret},
		{id: slackEvents, title: "events arrive from Slack", look: lookEvents},
		{id: slackSecret, title: "events are signed with the signing secret", look: lookSigningSecret},
		{id: redisAnswers, title: "Redis answers", look: lookRedis},
		{id: redisPersistence, title: "Redis keeps its data", look: lookPersistence},
		{id: natsAnswers, title: "NATS answers", look: lookNATS},
		{id: natsStreams, title: "every stream and bucket is there and healthy", look: lookStreams},
		{id: natsConsumers, title: "every queue has its consumer", look: lookConsumers},
		{id: backlog, title: "nothing waits in the queues", look: lookBacklog},
		{id: held, title: "nothing of this project is set aside", look: lookHeld},
		{id: lanes, title: "the channels take posts", look: lookLanes},
		{id: deadLetters, title: "nothing was given up", look: lookDeadLetters},
		{id: clocks, title: "the clocks agree", look: lookClocks},
	}
	if sendTest {
		all = append(all, check{id: testMessage, title: "a test message goes all the way", look: lookTestMessage})
	}
	return all
}
