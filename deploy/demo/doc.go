// Package demo is `make demo`: it starts Midwatch and the shop, breaks the shop, and tells what Midwatch makes of it. It uses
// the parts as a person would: their commands, their API. It tells Midwatch nothing of what it did to the shop.
package demo
