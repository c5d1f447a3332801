// Package wire is what the three providers share: the HTTP client they call with, the file their key is in, the pieces a
// streamed answer is put together from, and the words for what can go wrong.
//
// How a call leaves this machine: TLS 1.2 or newer, HTTP/1.1, one connection for each call, closed with it. Nothing
// remains open once a call has ended or was cancelled, so switching AI off leaves no connection behind. HTTP_PROXY and
// its kin are not read: data goes to the configured address and nowhere else. A redirect is an error. Certificates are
// checked against the system's roots. Headers of the SDKs that describe this machine are left out.
package wire
