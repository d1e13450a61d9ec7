package audit

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// anyProject is the parent of all entries.
const anyProject = "projects/-"

// Service answers AuditService.
type Service struct {
	adminv1.UnimplementedAuditServiceServer
	stream stream
	pages  listing.Pages
}

// NewService makes one. The secrets are for its page tokens.
func NewService(b *bus.Bus, secrets listing.Secrets, log *slog.Logger) (*Service, error) {
	js, err := jetstream.New(b.Conn())
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &Service{stream: stream{js: js, log: log}, pages: listing.Pages{Secrets: secrets}}, nil
}

// ListAuditEntries lists the entries of a project, the latest first.
func (s *Service) ListAuditEntries(ctx context.Context, r *adminv1.ListAuditEntriesRequest) (*adminv1.ListAuditEntriesResponse, error) {
	project, subjects := "", "audit.>"
	if r.GetParent() != anyProject {
		var err error
		if project, err = settings.ParseProjectName(r.GetParent()); err != nil {
			return nil, err
		}
		subjects = bus.AuditFilter(project)
	}
	filter, err := listing.ParseFilter(r.GetFilter(), "actor", "action", "resource", "result", "operator", "assignee", "time")
	if err != nil {
		return nil, err
	}
	list := "audit of " + r.GetParent() + " " + r.GetFilter()
	before, err := s.open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	found, next, err := s.stream.latest(ctx, subjects, before, listing.Size(r.GetPageSize()), func(entry *eventv1.AuditEntry) bool {
		return (project == "" || entry.GetProject() == project) && filter(field(entry))
	})
	if err != nil {
		return nil, err
	}
	answer := &adminv1.ListAuditEntriesResponse{}
	for _, f := range found {
		answer.AuditEntries = append(answer.AuditEntries, shown(f.entry))
	}
	if next > 0 {
		answer.NextPageToken, err = s.pages.Seal(ctx, list, strconv.FormatUint(next, 10))
	}
	return answer, err
}

// open answers where the page of a token begins; 0 without a token.
func (s *Service) open(ctx context.Context, list, token string) (uint64, error) {
	after, err := s.pages.Open(ctx, list, token)
	if err != nil || after == "" {
		return 0, err
	}
	before, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("place in the audit entries: %w", err)
	}
	return before, nil
}

// field answers the fields of an entry that filters name.
func field(entry *eventv1.AuditEntry) func(string) any {
	return func(name string) any {
		switch name {
		case "actor":
			return entry.GetActor()
		case "action":
			return entry.GetAction()
		case "resource":
			return entry.GetResource()
		case "result":
			return entry.GetResult()
		case "operator":
			return entry.GetOperator()
		case "assignee":
			return entry.GetAssignee()
		}
		return entry.GetTime().AsTime()
	}
}

func shown(entry *eventv1.AuditEntry) *adminv1.AuditEntry {
	return &adminv1.AuditEntry{
		Name: name(entry), Time: entry.GetTime(), Actor: entry.GetActor(), Action: entry.GetAction(),
		Resource: entry.GetResource(), Result: entry.GetResult(), Operator: entry.GetOperator(), Assignee: entry.GetAssignee(),
	}
}
