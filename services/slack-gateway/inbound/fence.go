package inbound

import "strings"

const fence = "```"

// textRuns cuts a message's `text` at its fences.
//
// A fence is a run of exactly three backticks. Two of them with anything between, on one line or several, are a code
// block; the first closing fence ends it. Everything else is ordinary text: a fence that is never closed, and runs of
// four and more backticks, where nobody can say which three would be the fence. Such a run also breaks off a block
// that stands open around it.
func textRuns(text string) []run {
	var runs []run
	textFrom, open := 0, -1
	for i := 0; i < len(text); {
		length := backticks(text[i:])
		switch {
		case length == 0:
			i = nextBacktick(text, i)
			continue
		case length > len(fence):
			open = -1
		case length < len(fence):
		case open < 0:
			open = i
		default:
			runs = appendText(runs, text[textFrom:open])
			runs = append(runs, run{code: true, pieces: codePieces(text[open+len(fence) : i])})
			textFrom, open = i+len(fence), -1
		}
		i += length
	}
	return appendText(runs, text[textFrom:])
}

func appendText(runs []run, text string) []run {
	if text == "" {
		return runs
	}
	return append(runs, run{pieces: mrkdwn(text)})
}

func backticks(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

func nextBacktick(text string, from int) int {
	if n := strings.IndexByte(text[from:], '`'); n >= 0 {
		return from + n
	}
	return len(text)
}

// codePieces reads what stands inside a fence or a code span: tokens and escapes count there, emoji and style do not.
func codePieces(body string) []piece {
	var out []piece
	for body != "" {
		start := strings.IndexByte(body, '<')
		if start < 0 {
			break
		}
		p, length := token(body[start:])
		if length == 0 {
			p, length = literal("<"), 1
		}
		out = append(out, literal(unescape(body[:start])), p)
		body = body[start+length:]
	}
	return append(out, literal(unescape(body)))
}
