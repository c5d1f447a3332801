// Package helm tests the chart in midwatch/: that it renders what it should, with several sets of values, and that what it renders
// keeps its promises. testdata/NAME.yaml is a set; embedded.golden.yaml what the defaults render, NAME.golden.diff what a set makes of it.
package helm
