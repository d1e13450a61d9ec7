package settings

import "strings"

// The key schema. Every key of a project carries the project in braces, so that all of them share one slot of a Redis Cluster
// and one script may change them together. Keys come only from the functions below; a new one gets a line in this table.
//
//	key                          type    holds
//	settings:{<project>}:team    string  TeamSettings, protobuf binary
//	settings:{<project>}:links   hash    operator → OperatorLink, protobuf binary
//	settings:{<project>}:members hash    Slack member → operator; the links read from the other side, always in step with them
//	settings:{<project>}:replies hash    id → SavedReply, protobuf binary
//	settings:secret:<purpose>    string  32 random bytes shared by all replicas
//	settings:projects            set     the projects that have TeamSettings, and `*` once all of them are in it
//
// None of them expires. All are written by this package alone.

// changes is the Pub/Sub channel on which the project is announced whose settings have changed.
const changes = "settings:changes"

// TeamKey is the key of a project's TeamSettings.
func TeamKey(project string) string { return projectKey(project, "team") }

// LinksKey is the key of a project's links by operator.
func LinksKey(project string) string { return projectKey(project, "links") }

// MembersKey is the key of a project's index from Slack member to operator.
func MembersKey(project string) string { return projectKey(project, "members") }

// SavedRepliesKey is the key of a project's saved replies by id.
func SavedRepliesKey(project string) string { return projectKey(project, "replies") }

// SecretKey is the key of the secret all replicas share for a purpose.
func SecretKey(purpose string) string { return "settings:secret:" + purpose }

const projectsKey = "settings:projects"

// projectOfTeamKey is the inverse of TeamKey, empty for other keys.
func projectOfTeamKey(key string) string {
	before, after, _ := strings.Cut(TeamKey("\x00"), "\x00")
	rest, isKey := strings.CutPrefix(key, before)
	project, ends := strings.CutSuffix(rest, after)
	if !isKey || !ends {
		return ""
	}
	return project
}

func projectKey(project, what string) string { return "settings:{" + project + "}:" + what }
