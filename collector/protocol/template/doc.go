// Package template turns texts with values into texts without: it groups what is the same but for its values, and keeps the values
// on the machine they belong to.
package template
