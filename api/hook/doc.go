// Package hook reads what other alerting systems post: Alertmanager's webhook (version 4) and that of Grafana's unified
// alerting. The envelope must be what it says; an alert in it that makes no sense is skipped and counted, the others
// count. Every text is a stranger's: it is cut, and loses whatever is not plain text.
package hook
