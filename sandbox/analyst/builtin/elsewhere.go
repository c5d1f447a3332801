package builtin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/internal/tools/result"
)

// manyElsewhere is how many services that have nothing to do with a slow one must be slow by themselves, that its being slow is hardly its own doing.
const manyElsewhere = 3

// slowBesides are services that are not kept, and became slow by themselves.
func (f *facts) slowBesides(keep func(service string) bool) (slow []string) {
	for _, s := range f.comparison.Services {
		if !keep(s.Service) && s.Slow && !s.Failing && f.byItself(s) {
			slow = append(slow, s.Service)
		}
	}
	slices.Sort(slow)
	return slow
}

// tellElsewhere claims that many services which have nothing to do with a slow one are slow as well, if they are and it takes no more CPU than before: whatever it is, a
// machine that stands still, its disks, the network, it is not this one's.
func (f *facts) tellElsewhere(h *hypothesis, s result.ServiceChange) bool {
	u, known := f.usage(s.Service)
	if s.Failing || len(f.elsewhere) < manyElsewhere || known && takesMore(u) {
		return false
	}
	named := make([]string, 0, manyElsewhere)
	for _, other := range f.elsewhere[:manyElsewhere] {
		named = append(named, strconv.Quote(other))
	}
	id := f.ids["compare_windows"]
	h.claim(fmt.Sprintf("%s, which have nothing to do with %s, became slow by themselves, too.", f.slowOthers(), s.Service),
		id, fmt.Sprintf(`len([x for x in ev[%q]["services"] if x["service"] in [%s] and x["slow"]]) == %d`, id, strings.Join(named, ", "), len(named)))
	return true
}

// slowOthers names some of the services that are slow elsewhere, and says how many more there are.
func (f *facts) slowOthers() string {
	if more := len(f.elsewhere) - manyElsewhere; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(f.elsewhere[:manyElsewhere], ", "), more)
	}
	return join(f.elsewhere)
}
