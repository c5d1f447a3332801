package main

import "math/rand/v2"

// kill is one entry of a plan.
type kill struct {
	number int // in the plan, from 1
	phase  phase
	victim part
	seed   uint64 // of what is left to chance within the phase: turn, tool
}

// schedule draws n kills. The same seed draws the same. No phase comes again before every other had its turn, in each its first
// victim comes first, and nobody is killed twice in a phase before everybody was in all of them.
func schedule(seed uint64, n int) []kill {
	draw := rand.New(rand.NewPCG(seed, 0))
	all, most := phases(), 0
	for _, p := range all {
		others := p.victims[1:]
		draw.Shuffle(len(others), func(a, b int) { others[a], others[b] = others[b], others[a] })
		most = max(most, len(p.victims))
	}
	var kills []kill
	for round := 0; len(kills) < n; round++ {
		draw.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		for _, p := range all {
			if at := round % most; at < len(p.victims) && len(kills) < n {
				kills = append(kills, kill{len(kills) + 1, p, p.victims[at], draw.Uint64()})
			}
		}
	}
	return kills
}
