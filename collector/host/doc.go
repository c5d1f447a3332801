// Package host knows the machine from /proc: its processes and the services they belong to, their sockets, and what they and
// the machine consume. It needs no privilege, but sees only what the user it runs as may see.
package host
