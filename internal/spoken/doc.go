// Package spoken reads what people write about when, how long and where: times and names of services in questions, by a small
// fixed grammar, and lengths of time. What it does not know in a question it leaves alone.
package spoken
