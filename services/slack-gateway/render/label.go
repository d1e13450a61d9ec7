package render

// Label makes what comes from outside fit for a place where a name or title stands: one line, no override of the direction of writing, at most limit long.
func Label(s string, limit int) string { return label(s, limit) }
