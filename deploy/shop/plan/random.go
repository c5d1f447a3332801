package plan

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Words a run is named from. None of them is a role, so that nothing can be guessed from a name.
var (
	things   = []string{"harbour", "lantern", "quartz", "falcon", "meadow", "copper", "juniper", "granite", "walnut", "ember", "saffron", "heron", "basalt", "cedar", "otter", "plover", "tundra", "violet", "marble", "thistle"}
	suffixes = []string{"", "-svc", "-api", "-server", "d", "-core"}
	nouns    = []string{"items", "goods", "articles", "wares", "things", "entries", "lots", "units", "records", "pieces", "parcels", "bundles"}
	columns  = []string{"family", "section", "shelf", "kind_of", "group_code", "segment", "branch", "aisle"}
	keys     = []string{"code", "ref", "item_no", "article_no", "ident"}
)

// Random is a plan whose names, ports and versions all follow from seed. A port that is taken now is passed over.
func Random(seed uint64) (Plan, error) {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	p := Plan{Seed: seed, Programs: map[Role]Program{}, Rate: 72 + r.IntN(17)}
	word := draw(r, things)
	for _, role := range append(Services(), Load, Batch) {
		major, minor, patch := 1+r.IntN(6), r.IntN(40), r.IntN(9)
		p.Programs[role] = Program{
			Name:    fmt.Sprintf("%s%s%d", word(), suffixes[r.IntN(len(suffixes))], 2+r.IntN(98)), // so many that runs hardly share one
			Version: fmt.Sprintf("%d.%d.%d", major, minor, patch),
			Next:    fmt.Sprintf("%d.%d.%d", major, minor, patch+1),
		}
	}
	noun := draw(r, nouns)
	p.Postgres = Postgres{
		Database: word(), Products: noun(), Stock: noun(), Orders: noun(), Charges: noun(),
		SKU: draw(r, keys)(), Category: draw(r, columns)(),
	}
	p.Redis = Redis{Name: word() + "-cache", Prefix: noun(), Limit: "64mb"}
	if err := p.drawPorts(r); err != nil {
		return Plan{}, err
	}
	return p, p.Validate()
}

// draw returns a function that gives each of the words once, in random order.
func draw(r *rand.Rand, words []string) func() string {
	order := r.Perm(len(words))
	return func() string {
		w := words[order[0]]
		order = order[1:]
		return w
	}
}

// drawPorts stays below the ephemeral range, where an outgoing connection could sit on a port.
func (p *Plan) drawPorts(r *rand.Rand) error {
	used := map[int]bool{}
	next := func() int {
		for range 100 {
			port := 20000 + r.IntN(10000)
			if !used[port] && free(port) {
				used[port] = true
				return port
			}
		}
		return 0
	}
	for _, role := range Services() {
		program := p.Programs[role]
		program.Port = next()
		p.Programs[role] = program
	}
	p.Postgres.Port, p.Redis.Port = next(), next()
	if p.Postgres.Port == 0 || p.Redis.Port == 0 {
		return fmt.Errorf("%w: no free ports between 20000 and 30000", ErrPlan)
	}
	return nil
}

func free(port int) bool {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return false
	}
	return l.Close() == nil
}
