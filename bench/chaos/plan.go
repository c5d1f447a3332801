package main

import (
	"math/rand/v2"
	"slices"
)

// kill is one entry of a plan.
type kill struct {
	phase  phase
	victim part
	seed   uint64 // of what is left to chance within the phase: turn, tool
}

// schedule draws n kills. The same seed draws the same. No phase comes again before every other had its turn, and no victim of a phase
// before its others.
func schedule(seed uint64, n int) []kill {
	draw := rand.New(rand.NewPCG(seed, 0))
	all := phases()
	for i := range all {
		all[i].victims = slices.Clone(all[i].victims)
		draw.Shuffle(len(all[i].victims), func(a, b int) { v := all[i].victims; v[a], v[b] = v[b], v[a] })
	}
	var kills []kill
	for round := 0; len(kills) < n; round++ {
		draw.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		for _, p := range all {
			if len(kills) == n {
				break
			}
			kills = append(kills, kill{p, p.victims[round%len(p.victims)], draw.Uint64()})
		}
	}
	return kills
}
