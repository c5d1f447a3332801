// Package protocol says what processes told each other: parsers in its subpackages turn the bytes of a connection into
// calls. A protocol is recognised by what is said, never by a port. Bytes may be missing (the kernel side keeps the start and the end of long
// transfers) and a connection may be met half-way; a parser then finds its feet again at the next request
// or gives up, because a wrong call is worse than none. docs/protocols.md lists what each parser understands.
package protocol
