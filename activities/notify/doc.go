// Package notify tells people outside of Midwatch what happens: by signed webhooks and in Slack. It posts to the addresses
// of the configuration and to no other, over TLS, follows no redirect, and keeps nothing. docs/notifications.md is for
// those who receive.
package notify
