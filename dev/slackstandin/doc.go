// Package slackstandin is a Slack workspace in memory that behaves as Slack documents it, for tests and the demo.
//
// It serves the Web API under /api/<method>, response_url under /response/, and a JSON control API under
// /_control/ that is what people in Slack do, for tests that run it as a process of its own. Run delivers signed
// events to the app. What it does follows the platform's documentation and not the gateway's code; where Slack's
// behaviour is not known, an option of Config or of the call shows both possibilities.
//
// # Control API
//
// Every POST takes a JSON object and answers {"ok":true,…}, or status 400 with {"ok":false,"error":"…"}. Fields
// have the JSON names of the Go types they are named after; durations are nanoseconds.
//
//	POST /_control/write        {member, channel, thread_ts, text, …WriteOptions} → {ts}
//	POST /_control/edit         {channel, ts, text, …WriteOptions}
//	POST /_control/unfurl       {channel, ts, url}
//	POST /_control/delete       {channel, ts, as_deleted}
//	POST /_control/react        {member, channel, ts, name, remove}
//	POST /_control/click        Click → {status, body} of the app's answer
//	POST /_control/command      {member, channel, command, text} → {status, body}
//	POST /_control/submit       {member, view_id, values} → {status, body}
//	POST /_control/close-view   {member, view_id, all} → {status, body}
//	POST /_control/suggest      Click, with what was typed as value → {status, body}: the app's options
//	POST /_control/shortcut     {member, callback_id, channel, ts} → {status, body}; without ts a global one
//	POST /_control/dismiss      {member, channel, ts}: of an ephemeral message
//	POST /_control/home         {member}: the member opens the app's Home tab
//	POST /_control/event        {channel, event}: any inner event, such as {"type":"tokens_revoked"}
//	POST /_control/members      Member
//	POST /_control/channels     Channel
//	POST /_control/usergroups   UserGroup
//	POST /_control/archive      {member, channel, archived}
//	POST /_control/join         {member, channel}
//	POST /_control/leave        {member, channel}
//	POST /_control/dm           {member} → {channel}
//	POST /_control/bot/invite   {member, channel}: the member invites the app; member may be empty
//	POST /_control/bot/remove   {channel}
//	POST /_control/urls         URLs
//	POST /_control/verify       {}: does the url_verification handshake
//	POST /_control/faults       Fault
//	POST /_control/event-faults EventFault
//	GET /_control/faults        {faults}: those of calls that are not over
//	DELETE /_control/faults     ends all faults of both kinds
//
//	GET /_control/messages?channel=     {messages}: all of a channel, replies and metadata too
//	GET /_control/thread?channel=&ts=   {messages}: a head and its replies
//	GET /_control/ephemerals            {ephemerals}
//	GET /_control/calls?method=         {calls}: a number, or numbers by method
//	GET /_control/undelivered           {undelivered, pending, accepted, event_faults}
//	GET /_control/deliveries            {deliveries}: every settled event
//	GET /_control/state?after=&wait_ms= Snapshot; with after, waits for a version later than that
//
// # What is left out
//
// Files and their upload, OAuth, Socket Mode, conversations of several people, and scopes. Drop names an event as
// undelivered, so that a test can tell intended loss from unintended.
package slackstandin
