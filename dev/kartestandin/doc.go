// Package kartestandin plays KARTE Talk: its REST API, its customers and operators, and its signed hooks.
//
// Server is a plain http.Handler with its state in memory. Paths, fields, headers and errors are those of PLAID's
// public pages and samples; where those are silent the behaviour is one plausible choice, and Knobs hold the others.
//
//	s := kartestandin.New(kartestandin.Config{Project: "demo-project", ClientSecret: …, APIToken: …, HookURL: …})
//	go s.Run(ctx)                          // delivers the hooks
//	http.Serve(listener, s)                // the REST API and the control API
//	s.CustomerWrites(ctx, kartestandin.Customer{VisitorID: "vis-1"}, "hello", kartestandin.Write{})
//	s.Await(ctx, func(now *kartestandin.Snapshot) bool { return len(now.Messages("vis-1")) == 2 })
//
// # Control API
//
// For a stand-in in a process of its own. There is no authentication: serve it on loopback only. Bodies and answers
// are JSON; durations are nanoseconds, dates RFC 3339. Errors are 400 (404 for an unknown hook) with {"error": …}.
//
//	GET    /_control/snapshot           Snapshot; ?after=VERSION waits up to 30 s for a newer one
//	GET    /_control/messages?customer= []Message of a user id or visitor id
//	GET    /_control/hooks              []Hook, all that were ever made
//	POST   /_control/customer-writes    {"customer":{…},"text":…,"write":{…}} → Hook
//	POST   /_control/operator-writes    {"customer":{…},"operator":ID,"text":…,"note":BOOL,"write":{…}} → Hook
//	POST   /_control/assign             {"customer":{…},"operator":ID or "","write":{…}} → Hook
//	POST   /_control/redeliver          {"id":HOOK ID}
//	POST   /_control/deliver            {"body":…,"headers":{NAME:[VALUE]}} → {"status":N}; the body as it stands
//	POST   /_control/faults             Fault
//	POST   /_control/hook-faults        HookFault
//	GET    /_control/faults             []Fault, those of REST calls that are not over
//	DELETE /_control/faults             ends faults of both kinds
//	GET    /_control/knobs              Knobs
//	PUT    /_control/knobs              Knobs; absent ones become false or 0
//	PUT    /_control/operators          []Operator, replacing all
//	PUT    /_control/hook-url           {"url":…}
//	PUT    /_control/credentials        {"client_secret":…,"api_token":…}; absent ones stay
package kartestandin
