// Package deadletter serves DeadLetterService: what could not be done, to be looked at, tried again or let go.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

var (
	// ErrNotFound is answered when a project has no such letter, whether or not another one has.
	ErrNotFound = errors.New("no such dead letter")
	// ErrUnavailable is answered when Redis or NATS did not answer, or not with success. A replay may have happened; the same call completes it.
	ErrUnavailable = errors.New("dead letters unavailable")
)

// Letters are the letters there are.
type Letters interface {
	Letters(ctx context.Context, before uint64, limit int) ([]bus.Letter, error)
	Letter(ctx context.Context, number uint64) (bus.Letter, error)
	Replay(ctx context.Context, number uint64, notDone bool) (subject string, err error)
	Discard(ctx context.Context, number uint64) error
}

// Conversations tell whose a letter is.
type Conversations interface {
	ByThread(ctx context.Context, team, channel, ts string) (conversation.Conversation, bool, error)
	Of(ctx context.Context, project string, c *eventv1.Customer) (id string, err error)
}

// Service answers DeadLetterService. Requests reaching it kept the rules of the contract, by callers who may use the project that they name; which
// project a letter belongs to is read from the letter.
type Service struct {
	adminv1.UnimplementedDeadLetterServiceServer
	letters       Letters
	conversations Conversations
	pages         listing.Pages
}

// New makes the service.
func New(letters Letters, conversations Conversations, secrets listing.Secrets) *Service {
	return &Service{letters: letters, conversations: conversations, pages: listing.Pages{Secrets: secrets}}
}

// anyProject stands in names for all projects, and for none. The guard lets only those use it who may use all.
const anyProject = "-"

const (
	// chunk is how many letters are read at once, most how many are looked at for one page: a filter that lets little through answers short
	// pages rather than none in time.
	chunk = 200
	most  = 2000
)

// ListDeadLetters lists the letters of a project, the latest first.
func (s *Service) ListDeadLetters(ctx context.Context, r *adminv1.ListDeadLettersRequest) (*adminv1.ListDeadLettersResponse, error) {
	project, err := projectOf(r.GetParent())
	if err != nil {
		return nil, err
	}
	filter, err := listing.ParseFilter(r.GetFilter(), "stream", "reason", "kind", "conversation", "die_time")
	if err != nil {
		return nil, err
	}
	list := r.GetParent() + "\x00" + r.GetFilter()
	after, err := s.pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	before, _ := strconv.ParseUint(after, 10, 64)
	wanted := func(d described) bool { return d.belongs(project) && filter(d.field) }
	found, before, err := s.page(ctx, before, listing.Size(r.GetPageSize()), wanted)
	if err != nil {
		return nil, told(ctx, err)
	}
	response := &adminv1.ListDeadLettersResponse{DeadLetters: found}
	if before > 0 {
		if response.NextPageToken, err = s.pages.Seal(ctx, list, strconv.FormatUint(before, 10)); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// page answers up to size letters before a number, and the number before which the next page begins; 0 when there is none.
func (s *Service) page(ctx context.Context, before uint64, size int, wanted func(described) bool) (found []*adminv1.DeadLetter, next uint64, err error) {
	for looked := 0; looked < most; looked += chunk {
		letters, err := s.letters.Letters(ctx, before, chunk)
		if err != nil {
			return nil, 0, err
		}
		for _, letter := range letters {
			d, err := s.describe(ctx, letter)
			if err != nil {
				return nil, 0, err
			}
			before = letter.Number
			if !wanted(d) {
				continue
			}
			if found = append(found, d.proto()); len(found) == size {
				return found, before, nil
			}
		}
		if len(letters) < chunk {
			return found, 0, nil
		}
	}
	return found, before, nil
}

// GetDeadLetter answers one letter with what it holds.
func (s *Service) GetDeadLetter(ctx context.Context, r *adminv1.GetDeadLetterRequest) (*adminv1.GetDeadLetterResponse, error) {
	d, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	answer := d.proto()
	answer.Content = d.written()
	return &adminv1.GetDeadLetterResponse{DeadLetter: answer}, nil
}

// ReplayDeadLetter lets a letter's message be done again.
func (s *Service) ReplayDeadLetter(ctx context.Context, r *adminv1.ReplayDeadLetterRequest) (*adminv1.ReplayDeadLetterResponse, error) {
	d, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	subject, err := s.letters.Replay(ctx, d.letter.Number, r.GetNotDone())
	if err != nil {
		return nil, told(ctx, err)
	}
	return &adminv1.ReplayDeadLetterResponse{Subject: subject}, nil
}

// DiscardDeadLetter removes a letter for good.
func (s *Service) DiscardDeadLetter(ctx context.Context, r *adminv1.DiscardDeadLetterRequest) (*emptypb.Empty, error) {
	d, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.letters.Discard(ctx, d.letter.Number); err != nil {
		return nil, told(ctx, err)
	}
	return &emptypb.Empty{}, nil
}

// find answers the letter of a name; ErrNotFound when it is another project's.
func (s *Service) find(ctx context.Context, name string) (described, error) {
	project, number, err := parse(name)
	if err != nil {
		return described{}, err
	}
	letter, err := s.letters.Letter(ctx, number)
	if err != nil {
		return described{}, told(ctx, err)
	}
	d, err := s.describe(ctx, letter)
	if err != nil {
		return described{}, told(ctx, err)
	}
	if !d.belongs(project) {
		return described{}, ErrNotFound
	}
	return d, nil
}

// told marks what is nobody's fault: all errors but those that say something about the letter, and the caller's own end.
func told(ctx context.Context, err error) error {
	if errors.Is(err, bus.ErrNoLetter) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if errors.Is(err, bus.ErrNotReplayable) || errors.Is(err, bus.ErrTooOld) || errors.Is(err, settings.ErrUnavailable) {
		return err
	}
	if ended := context.Cause(ctx); ended != nil {
		return errors.Join(ended, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
