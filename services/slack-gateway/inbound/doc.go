// Package inbound turns what Slack sends (events, button presses, slash commands) into facts and plain values.
//
// Everything here is a function from values to values: no clock, no network, no store. A request goes through
// [VerifySignature] first, on its raw bytes, then through [Envelope] and [Translate], or through [ParseInteraction] or
// [ParseCommand].
//
// The rule for anything unclear is to fail closed. What cannot be read as exactly one code block must not look like
// one, because a code block alone is what reaches a customer.
package inbound
