package settings_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func link(operator, member, etag string) *settingsv1.OperatorLink {
	return &settingsv1.OperatorLink{Name: settings.LinkName("demo", operator), SlackMember: member, Etag: etag}
}

func TestLinkIsFoundFromBothSides(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		set, err := store.SetLink(t.Context(), link("op1", "U0DEMO1", ""))
		if err != nil {
			t.Fatal(err)
		}
		got, err := store.GetLink(t.Context(), "demo", "op1")
		if err != nil || !proto.Equal(got, set) || !set.GetUpdateTime().AsTime().Equal(moment) {
			t.Errorf("GetLink = %v, %v; want %v", got, err, set)
		}
		wantPair(t, store, "demo", "op1", "U0DEMO1")
		wantNoOperator(t, store, "demo2", "U0DEMO1")
		wantNoOperator(t, store, "demo", "U0DEMO2")
		if _, ok, err := store.MemberOf(t.Context(), "demo", "op2"); ok || err != nil {
			t.Errorf("an operator never linked has a member (%v)", err)
		}
	})
}

func TestSetLinkReplacesTheFormerMember(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		for _, member := range []string{"U0DEMO1", "U0DEMO2", "U0DEMO2"} {
			if _, err := store.SetLink(t.Context(), link("op1", member, "")); err != nil {
				t.Fatal(err)
			}
		}
		wantPair(t, store, "demo", "op1", "U0DEMO2")
		wantNoOperator(t, store, "demo", "U0DEMO1")
		if _, err := store.SetLink(t.Context(), link("op2", "U0DEMO1", "")); err != nil {
			t.Errorf("a member who was let go cannot be linked again: %v", err)
		}
		wantIndexInStep(t, client, "demo")
	})
}

func TestSetLinkRefusals(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		set, err := store.SetLink(t.Context(), link("op1", "U0DEMO1", settings.EmptyEtag))
		if err != nil {
			t.Fatal(err)
		}
		cases := []struct {
			name string
			link *settingsv1.OperatorLink
			want error
		}{
			{"member of another", link("op2", "U0DEMO1", ""), settings.ErrMemberTaken},
			{"stale", link("op1", "U0DEMO2", "something"), settings.ErrStale},
			{"only if nothing is there", link("op1", "U0DEMO2", settings.EmptyEtag), settings.ErrStale},
			{"etag for nothing", link("op3", "U0DEMO3", set.GetEtag()), settings.ErrStale},
			{"no member", link("op1", "", ""), settings.ErrInvalid},
			{"a group", link("op1", "S0DEMO1", ""), settings.ErrInvalid},
			{"bad operator", link("op 1", "U0DEMO2", ""), settings.ErrInvalid},
			{"nameless", &settingsv1.OperatorLink{SlackMember: "U0DEMO2"}, settings.ErrInvalid},
		}
		for _, c := range cases {
			if _, err := store.SetLink(t.Context(), c.link); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		got, err := store.GetLink(t.Context(), "demo", "op1")
		if err != nil || !proto.Equal(got, set) {
			t.Errorf("a refusal changed the link to %v, %v", got, err)
		}
		wantIndexInStep(t, client, "demo")
		elsewhere := &settingsv1.OperatorLink{Name: settings.LinkName("demo2", "op2"), SlackMember: "U0DEMO1"}
		if _, err := store.SetLink(t.Context(), elsewhere); err != nil {
			t.Errorf("a member is free in another project: %v", err)
		}
	})
}

func TestDeleteLink(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		set, err := store.SetLink(t.Context(), link("op1", "U0DEMO1", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.DeleteLink(t.Context(), "demo", "op1", "something"); !errors.Is(err, settings.ErrStale) {
			t.Errorf("stale: %v", err)
		}
		if err := store.DeleteLink(t.Context(), "demo", "op1", set.GetEtag()); err != nil {
			t.Errorf("delete: %v", err)
		}
		if err := store.DeleteLink(t.Context(), "demo", "op1", ""); !errors.Is(err, settings.ErrNotFound) {
			t.Errorf("second delete: %v", err)
		}
		if _, err := store.GetLink(t.Context(), "demo", "op1"); !errors.Is(err, settings.ErrNotFound) {
			t.Errorf("get: %v", err)
		}
		wantNoOperator(t, store, "demo", "U0DEMO1")
	})
}

func TestListLinksByOperatorInPages(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		want := []string{"Op", "a", "op-1", "op1", "op10", "op2", "op_1"}
		for i, operator := range want {
			if _, err := store.SetLink(t.Context(), link(operator, fmt.Sprintf("U0DEMO%d", i), "")); err != nil {
				t.Fatal(err)
			}
		}
		for size := 1; size <= len(want)+1; size++ {
			var got []string
			for after, more := "", true; more; more = after != "" {
				links, next, err := store.ListLinks(t.Context(), "demo", size, after)
				if err != nil || len(links) == 0 || len(links) > size {
					t.Fatalf("page of %d after %q has %d: %v", size, after, len(links), err)
				}
				for _, link := range links {
					_, operator, _ := settings.ParseLinkName(link.GetName())
					got = append(got, operator)
				}
				after = next
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: got %v, want %v", size, got, want)
			}
		}
		links, next, err := store.ListLinks(t.Context(), "empty", 10, "")
		if len(links) != 0 || next != "" || err != nil {
			t.Errorf("empty project: %v, %q, %v", links, next, err)
		}
	})
}

func TestAMemberWantedByManyIsGivenToOne(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		var number, won atomic.Int32
		inParallel(50, func() {
			_, err := store.SetLink(t.Context(), link(fmt.Sprintf("op%d", number.Add(1)), "U0DEMO1", ""))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, settings.ErrMemberTaken) {
				t.Error(err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d operators got the member", won.Load())
		}
		wantIndexInStep(t, client, "demo")
	})
}

// Of many members set for one operator the last is it, and the others are free again.
func TestAnOperatorWhoIsGivenManyMembersHasOne(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		var number atomic.Int32
		inParallel(20, func() {
			if _, err := store.SetLink(t.Context(), link("op1", fmt.Sprintf("U0DEMO%d", number.Add(1)), "")); err != nil {
				t.Error(err)
			}
		})
		wantIndexInStep(t, client, "demo")
		member, ok, err := store.MemberOf(t.Context(), "demo", "op1")
		if err != nil || !ok {
			t.Fatalf("no member: %v", err)
		}
		for i := range 20 {
			if other := fmt.Sprintf("U0DEMO%d", i+1); other != member {
				wantNoOperator(t, store, "demo", other)
			}
		}
	})
}

// A map in memory says what any sequence of changes must come to.
func TestLinksBehaveLikeAMap(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		rapid.Check(t, func(r *rapid.T) {
			client.FlushAll(t.Context())
			model := map[string]string{}
			for range rapid.IntRange(1, 15).Draw(r, "steps") {
				operator := rapid.SampledFrom([]string{"op1", "op2", "op3"}).Draw(r, "operator")
				member := rapid.SampledFrom([]string{"U0DEMO1", "U0DEMO2", "U0DEMO3"}).Draw(r, "member")
				if rapid.Bool().Draw(r, "delete") {
					_, there := model[operator]
					if err := store.DeleteLink(t.Context(), "demo", operator, ""); (err == nil) != there {
						r.Fatalf("delete %s: %v", operator, err)
					}
					delete(model, operator)
					continue
				}
				taken := false
				for o, m := range model {
					taken = taken || m == member && o != operator
				}
				_, err := store.SetLink(t.Context(), link(operator, member, ""))
				if errors.Is(err, settings.ErrMemberTaken) != taken || (err == nil) == taken {
					r.Fatalf("set %s to %s: %v", operator, member, err)
				}
				if !taken {
					model[operator] = member
				}
			}
			wantIndexInStep(t, client, "demo")
			for operator, member := range model {
				wantPair(t, store, "demo", operator, member)
			}
		})
	})
}

func wantPair(t *testing.T, store *settings.Store, project, operator, member string) {
	t.Helper()
	if got, ok, err := store.MemberOf(t.Context(), project, operator); got != member || !ok || err != nil {
		t.Errorf("MemberOf(%s) = %q, %v, %v; want %q", operator, got, ok, err, member)
	}
	if got, ok, err := store.OperatorOf(t.Context(), project, member); got != operator || !ok || err != nil {
		t.Errorf("OperatorOf(%s) = %q, %v, %v; want %q", member, got, ok, err, operator)
	}
}

func wantNoOperator(t *testing.T, store *settings.Store, project, member string) {
	t.Helper()
	if got, ok, err := store.OperatorOf(t.Context(), project, member); ok || err != nil {
		t.Errorf("OperatorOf(%s) = %q, %v, %v; want none", member, got, ok, err)
	}
}
