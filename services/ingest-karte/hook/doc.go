// Package hook turns the HTTP bodies of KARTE's Hook v2 into facts, after telling genuine ones from forged ones.
//
// Everything here is a function from values to values: no clock, no network, no logging. Outside facts come from
// PLAID's public pages (Hook v2 overview, Webhook v2 HMAC authentication, Message Hook, Assign Hook). Where those
// pages leave a form open, every plausible form is accepted.
package hook
