// Package privacy decides what of a prompt may leave the machine, and how what comes back is shown. It does no I/O.
//
// Secrets are removed for good: "[secret:<kind>]". Addresses, e-mail addresses, names of users and of hosts become stable
// pseudonyms such as "ip-7f3a9c1", which the Map of one investigation turns back for tool arguments and for the
// authenticated reader. Telemetry is fenced as data before a model sees it, and text from a model is made harmless before
// a person does. docs/privacy.md lists what is recognised and what is kept on purpose.
package privacy
