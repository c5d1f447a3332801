// Package protocoltest gives tests of parsers real bytes: the packet captures of the shared data set, cut into the
// segments a parser sees, and cut anew.
package protocoltest
