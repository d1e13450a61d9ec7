package settings

import (
	"fmt"
	"regexp"
	"strings"
)

// id is what a project or an operator may be called; the same rule is in settings.proto.
var id = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// ProjectName is the resource name of a project: `projects/{project}`.
func ProjectName(project string) string { return "projects/" + project }

// TeamName is the resource name of a project's team settings: `projects/{project}/teamSettings`.
func TeamName(project string) string { return ProjectName(project) + "/teamSettings" }

// LinkName is the resource name of an operator's link: `projects/{project}/operators/{operator}`.
func LinkName(project, operator string) string {
	return ProjectName(project) + "/operators/" + operator
}

// ParseProjectName is the inverse of ProjectName. Its error matches ErrInvalid, as those of its siblings do.
func ParseProjectName(name string) (project string, err error) {
	project, ok := strings.CutPrefix(name, "projects/")
	if !ok || !id.MatchString(project) {
		return "", fmt.Errorf("%w: %q is not projects/{project}", ErrInvalid, name)
	}
	return project, nil
}

// ParseTeamName is the inverse of TeamName.
func ParseTeamName(name string) (project string, err error) {
	parent, ok := strings.CutSuffix(name, "/teamSettings")
	if project, err = ParseProjectName(parent); !ok || err != nil {
		return "", fmt.Errorf("%w: %q is not projects/{project}/teamSettings", ErrInvalid, name)
	}
	return project, nil
}

// ParseLinkName is the inverse of LinkName.
func ParseLinkName(name string) (project, operator string, err error) {
	parent, operator, ok := strings.Cut(name, "/operators/")
	if project, err = ParseProjectName(parent); !ok || err != nil || !id.MatchString(operator) {
		return "", "", fmt.Errorf("%w: %q is not projects/{project}/operators/{operator}", ErrInvalid, name)
	}
	return project, operator, nil
}
