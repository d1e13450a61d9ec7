package inbound

// otherBlock reads the text of a block that is not rich text. A person's message seldom has one; it never is code, and
// a block without words shows as its type in brackets so that it is not overlooked.
func otherBlock(block object) []piece {
	lines := blockLines(block)
	if len(lines) == 0 {
		out, _ := unreadable(block)
		return out
	}
	var out []piece
	for i, line := range lines {
		if i > 0 {
			out = append(out, literal("\n"))
		}
		out = append(out, line...)
	}
	return out
}

func blockLines(o object) [][]piece {
	var lines [][]piece
	add := func(pieces []piece) {
		if len(pieces) > 0 {
			lines = append(lines, pieces)
		}
	}
	for _, key := range []string{"title", "text", "alt_text"} {
		if o.obj(key) != nil {
			add(textObject(o.obj(key)))
		} else if o.str(key) != "" {
			add(textObject(object{"type": o.str("type"), "text": o.str(key)}))
		}
	}
	for _, key := range []string{"fields", "elements"} {
		for _, value := range o.list(key) {
			lines = append(lines, blockLines(asObject(value))...)
		}
	}
	return lines
}

// textObject reads one of Block Kit's text objects.
func textObject(o object) []piece {
	text := o.str("text")
	switch {
	case text == "":
		return nil
	case o.str("type") == "mrkdwn":
		return mrkdwn(text)
	}
	return []piece{literal(text)}
}
