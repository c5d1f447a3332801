// Package bucket is what the exporter remembers of a cluster in JetStream: of each object the version published last, of each resource how
// far its watch had come, and the key of the tags behind masks. With it a killed exporter, or another replica, goes on where the last one
// was.
package bucket
