package eval_test

import (
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// scene says how a case is made.
type scene struct {
	name  string
	fault string // of deploy/shop/faults.yaml, and the recording it is in; "": nothing is broken
	quiet string // with no fault: the recording whose healthy time is used
	story string // besides the fault, for people
	seed  uint64 // names follow from it

	late     bool             // investigated at the recording's end, not when the alarm came
	question string           // somebody asks, in the shop's plain names
	since    time.Duration    // … and says since when; 0: does not say
	withhold telemetry.Signal // taken out after the alarm
	release  time.Duration    // a new version of the gateway that changes nothing, so long after the start; 0: none
	chatter  time.Duration    // warnings of the catalog that mean nothing, from then on; 0: none
}

func (s scene) recording() string {
	if s.fault != "" {
		return s.fault
	}
	return s.quiet
}

// until is how much of the recording there is: healthy time ends before the fault.
func (s scene) until() time.Duration {
	if s.fault == "" {
		return brokenAfter - time.Second
	}
	return 74 * time.Second
}

// scenes are all cases. Every one has names of its own.
func scenes() []scene {
	var all []scene
	add := func(s scene) {
		s.seed = *seed + uint64(len(all))
		all = append(all, s)
	}
	faults := []string{"index-dropped", "redis-refuses-writes", "bad-release", "noisy-neighbour", "memory-leak", "pool-exhausted", "wrong-port"}
	for _, f := range faults {
		add(scene{name: f, fault: f})
	}
	for _, f := range faults {
		add(scene{name: f + "-late", fault: f, late: true, story: "investigated at the end"})
	}
	for _, s := range []scene{
		{fault: "bad-release", withhold: telemetry.Logs},
		{fault: "pool-exhausted", withhold: telemetry.Logs},
		{fault: "wrong-port", withhold: telemetry.Logs},
		{fault: "index-dropped", withhold: telemetry.Metrics},
		{fault: "memory-leak", withhold: telemetry.Metrics},
		{fault: "noisy-neighbour", withhold: telemetry.Metrics},
		{fault: "redis-refuses-writes", withhold: telemetry.Traces},
		{fault: "memory-leak", withhold: telemetry.Traces},
	} {
		s.name, s.story, s.late = s.fault+"-without-"+string(s.withhold), "the "+string(s.withhold)+" are lost", true
		add(s)
	}
	add(scene{name: "asked-since", fault: "redis-refuses-writes", question: "Why do customers of gateway see errors?", since: brokenAfter, late: true, story: "somebody asks, and says since when"})
	add(scene{name: "asked-plainly", fault: "index-dropped", question: "Why is gateway slow?", late: true, story: "somebody asks, and says nothing else"})
	add(scene{name: "asked-about-another", fault: "noisy-neighbour", question: "Is payment broken?", since: brokenAfter, late: true, story: "somebody asks about the wrong service"})
	add(scene{name: "index-dropped-beside-a-release", fault: "index-dropped", release: 24 * time.Second, story: "a harmless release of the gateway right before"})
	add(scene{name: "redis-refuses-writes-beside-a-release", fault: "redis-refuses-writes", release: 26 * time.Second, story: "a harmless release of the gateway right before"})
	add(scene{name: "bad-release-beside-chatter", fault: "bad-release", chatter: 27 * time.Second, story: "warnings of the catalog that mean nothing"})
	add(scene{name: "pool-exhausted-beside-both", fault: "pool-exhausted", release: 25 * time.Second, chatter: 27 * time.Second, story: "a harmless release and warnings that mean nothing"})
	for _, s := range []scene{
		{name: "healthy-asked", quiet: "index-dropped", question: "Is anything wrong with checkout?", since: 16 * time.Second, story: "nothing is broken, somebody asks"},
		{name: "healthy-asked-plainly", quiet: "wrong-port", question: "Is the shop well?", story: "nothing is broken, somebody asks and says nothing else"},
		{name: "healthy-release", quiet: "memory-leak", release: 15 * time.Second, story: "a new version of the gateway that behaves like the one before"},
		{name: "healthy-chatter", quiet: "pool-exhausted", chatter: 15 * time.Second, question: "What are these warnings?", since: 15 * time.Second, story: "the catalog logs warnings that mean nothing"},
		{name: "healthy-release-and-chatter", quiet: "bad-release", release: 14 * time.Second, chatter: 15 * time.Second, story: "a new version and warnings, and nothing is broken"},
	} {
		add(s)
	}
	return all
}
