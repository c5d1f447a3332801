// Package memcached reads Memcached's text protocol, meta commands included, and its binary protocol. Of keys the digits are templated, values are passed over. It gives up where
// answers no longer follow commands one by one: quiet meta commands, watch.
package memcached
