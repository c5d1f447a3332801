// Package spoken reads what a person's question says about when and where: times and names of services, by a small fixed grammar.
// What it does not know it leaves alone.
package spoken
