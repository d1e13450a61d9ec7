package element

import (
	"strconv"
	"strings"
)

const cardBlock = "card-"

// CardBlock is the block_id of the buttons on the head of a thread. It is another one with each state, so that what somebody picked from the menu does not stay
// there; and it names the project, because Slack does not tell the message when it asks for a menu's suggestions.
func CardBlock(revision uint64, project string) string {
	const longest = 255
	id := cardBlock + strconv.FormatUint(revision, 10) + "-" + project
	if len(id) > longest {
		return cardBlock + strconv.FormatUint(revision, 10) + "-"
	}
	return id
}

// CardProject is the reverse of CardBlock; empty for any other block.
func CardProject(blockID string) string {
	rest, ok := strings.CutPrefix(blockID, cardBlock)
	if !ok {
		return ""
	}
	_, project, _ := strings.Cut(rest, "-")
	return project
}
