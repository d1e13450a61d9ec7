// Package judges has what Slack publishes about itself judge what we make of it. Its tests need Node and npm.
package judges
