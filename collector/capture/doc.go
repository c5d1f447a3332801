// Package capture reads packet captures (pcap, pcapng) as if the kernel had seen their connections: the same chunks, for the same parsers. It is for machines
// without a kernel that can be watched, and for captures that others made.
package capture
