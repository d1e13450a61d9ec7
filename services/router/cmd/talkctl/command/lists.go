package command

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

const (
	// maxPage is the largest page that the contract allows.
	maxPage      = 1000
	defaultLimit = 1000
)

// listFlags are what every list command has.
type listFlags struct {
	limit  int
	filter string
}

func (l *listFlags) add(c *cobra.Command, fields string) {
	c.Flags().IntVar(&l.limit, "limit", defaultLimit, "list at most so many; 0 lists all")
	if fields != "" {
		c.Flags().StringVar(&l.filter, "filter", "", "an AIP-160 filter over "+fields)
	}
}

// fetch answers one page, at most size items from where token points, and the token of the next one.
type fetch[T any] func(ctx context.Context, size int32, token string) (items []T, next string, err error)

// pages follows the pages of a list up to limit items; more says that there are others.
func pages[T any](ctx context.Context, limit int, next fetch[T]) (items []T, more bool, err error) {
	if limit < 0 {
		return nil, false, usage(errors.New("--limit is at least 0"))
	}
	for token := ""; ; {
		size := maxPage
		if limit > 0 {
			size = min(maxPage, limit-len(items))
		}
		page, after, err := next(ctx, int32(size), token)
		if err != nil {
			return nil, false, err
		}
		items = append(items, page...)
		switch {
		case limit > 0 && len(items) >= limit:
			return items[:limit], after != "" || len(items) > limit, nil
		case after == "":
			return items, false, nil
		case after == token:
			return nil, false, errors.New("the server answers the same page again and again")
		}
		token = after
	}
}

// column is one column of a table.
type column[T any] struct {
	title string
	value func(T) string
}

// printList writes a list: rows for people, an array for programs.
func printList[T proto.Message](a *app, items []T, more bool, none string, columns ...column[T]) error {
	if more {
		a.note("There are more than these %d; --limit 0 lists all.", len(items))
	}
	if a.print.Format == render.Table {
		if len(items) == 0 {
			a.note("%s", none)
			return nil
		}
		return a.print.Rows(tabulate(items, columns))
	}
	array := []json.RawMessage{}
	for _, item := range items {
		raw, err := render.Raw(item)
		if err != nil {
			return err
		}
		array = append(array, raw)
	}
	return a.print.Value(array)
}

func tabulate[T any](items []T, columns []column[T]) (header []string, rows [][]string) {
	for _, c := range columns {
		header = append(header, c.title)
	}
	for _, item := range items {
		var row []string
		for _, c := range columns {
			row = append(row, c.value(item))
		}
		rows = append(rows, row)
	}
	return header, rows
}
