// Package kafka reads Kafka's protocol: every API by its name, topics, errors, how many messages. Requests and answers are paired by correlation id. How the
// bodies of each API and version are laid out is data (layout.go and its tables), so that of a body that was not copied whole as much is read as is there. Topics that are named by an
// id get the name that answers to Metadata told, on whatever connection.
package kafka
