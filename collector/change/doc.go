// Package change notices what is new about a service: a process that started with another executable, other arguments or a
// changed configuration file, and the starts, ends and memory kills of processes. What was last known of each service is kept in a
// file, so that a restart of the node agent neither repeats nor misses a change, and a kill misses none.
package change
