package command

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var errNoProject = errors.New("no project is named")

var projectShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// anyProject stands for all projects where the contract allows it.
const anyProject = "-"

// project answers the project that was given, by flag, variable or context.
func (a *app) project() string {
	given := a.flags.Project
	if given == "" {
		given = a.target.Project
	}
	return strings.TrimPrefix(given, "projects/")
}

// parent answers `projects/{project}`.
func (a *app) parent() (string, error) {
	project := a.project()
	if project == "" {
		return "", usage(errNoProject)
	}
	if !projectShape.MatchString(project) {
		return "", usage(fmt.Errorf("%q is no project: letters, digits, - and _, at most 64", project))
	}
	return "projects/" + project, nil
}

// name answers the full name of a resource that was given by its id or by its full name.
func (a *app) name(collection, given string) (string, error) {
	if parts := strings.Split(given, "/"); len(parts) > 1 {
		if len(parts) != 4 || parts[0] != "projects" || parts[2] != collection || parts[3] == "" || (parts[1] != anyProject && !projectShape.MatchString(parts[1])) {
			return "", usage(fmt.Errorf("%q is neither an id nor a name like projects/demo/%s/…", given, collection))
		}
		return given, nil
	}
	if given == "" {
		return "", usage(fmt.Errorf("an id of %s is empty", collection))
	}
	parent, err := a.parent()
	if err != nil {
		return "", err
	}
	return parent + "/" + collection + "/" + given, nil
}

// id answers the last part of a name.
func id(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// quote answers a value as filters write it.
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// both answers a filter that holds when each of the given ones does.
func both(filters ...string) string {
	var parts []string
	for _, f := range filters {
		if strings.TrimSpace(f) != "" {
			parts = append(parts, f)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	for i, p := range parts {
		parts[i] = "(" + p + ")"
	}
	return strings.Join(parts, " AND ")
}
