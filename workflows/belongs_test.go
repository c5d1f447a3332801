package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// complaint is what a cluster says of a workload that calls others and is called by others.
func complaint(id, rule, service string, calls []string, callers ...string) investigation.Trigger {
	t := alert(id, service, investigation.Critical, slices.Concat(calls, callers)...)
	t.Kind, t.Rule, t.Calls, t.Attributes = investigation.ClusterEvent, rule, calls, map[string]string{}
	return t
}

// says makes a trigger's condition begin some time after the start.
func says(t investigation.Trigger, after time.Duration) investigation.Trigger {
	t.Onset = start.Add(after)
	return t
}

func TestIntakeTellsBrokenWorkloadsApart(t *testing.T) {
	const dns = "coredns.kube-system"
	gateway := func(id string) investigation.Trigger {
		return alert(id, "gateway.shop", investigation.Critical, "front.shop", "mail.shop", dns)
	}
	pull := complaint("pull", investigation.RuleImagePull, "front.shop", []string{"back.shop", dns}, "gateway.shop")
	crash := complaint("crash", investigation.RuleCrashLoop, "back.shop", []string{dns}, "front.shop")
	other := complaint("other", investigation.RuleCrashLoop, "front.store", []string{dns})
	mail := complaint("mail", investigation.RuleOOMKill, "mail.shop", []string{dns}, "gateway.shop")
	frontCrash := complaint("front-crash", investigation.RuleCrashLoop, "front.shop", []string{"back.shop", dns})
	frontStuck := complaint("front-stuck", investigation.RuleStuckRollout, "front.shop", []string{"back.shop", dns})
	node := complaint("node", investigation.RuleNode, "", nil)
	node.Entity = telemetry.Host("node1")
	evicted := complaint("evicted", investigation.RuleEvicted, "back.shop", nil)
	evicted.Attributes["node"] = "node1"
	pending := func(id, service string) investigation.Trigger {
		p := complaint(id, investigation.RulePending, service, nil)
		p.Attributes["message"] = "0/1 nodes are available: 1 Insufficient memory"
		return p
	}
	for name, c := range map[string]struct {
		first, then []investigation.Trigger // together, and 5 s later
		want        []string                // the first trigger of each incident
	}{
		"an image beside a crash":              {[]investigation.Trigger{crash, pull}, nil, []string{"crash", "pull"}},
		"an image while a crash is looked at":  {[]investigation.Trigger{crash}, []investigation.Trigger{pull}, []string{"crash", "pull"}},
		"all talk with the cluster's DNS":      {[]investigation.Trigger{crash, other}, nil, []string{"crash", "other"}},
		"a caller of both joins one":           {[]investigation.Trigger{pull, mail, gateway("g")}, nil, []string{"pull", "mail"}},
		"a caller comes first":                 {[]investigation.Trigger{gateway("g"), pull, mail}, nil, []string{"g", "mail"}},
		"one crashes without what it calls":    {[]investigation.Trigger{crash}, []investigation.Trigger{frontCrash}, []string{"crash"}},
		"the caller is seen first":             {[]investigation.Trigger{frontCrash, crash}, nil, []string{"front-crash"}},
		"a rollout that waits for its image":   {[]investigation.Trigger{pull}, []investigation.Trigger{frontStuck}, []string{"pull"}},
		"a node while a workload is looked at": {[]investigation.Trigger{crash}, []investigation.Trigger{node}, []string{"crash", "node"}},
		"a workload while a node is looked at": {[]investigation.Trigger{node}, []investigation.Trigger{pull}, []string{"node", "pull"}},
		"a node and what it sent away":         {[]investigation.Trigger{node}, []investigation.Trigger{evicted}, []string{"node"}},
		"what a node sent away and the node":   {[]investigation.Trigger{evicted}, []investigation.Trigger{node}, []string{"evicted"}},
		"a cluster that is full":               {[]investigation.Trigger{pending("p1", "a.x"), pending("p2", "b.y")}, nil, []string{"p1"}},
		"alarms of two that only share DNS": {
			[]investigation.Trigger{alert("a", "a.x", investigation.Critical, dns), alert("b", "b.y", investigation.Critical, dns)}, nil, []string{"a", "b"},
		},
		"alarms of who calls what crashes": {[]investigation.Trigger{crash, alert("a", "front.shop", investigation.Critical, "back.shop")}, nil, []string{"crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.at(0, c.first...)
			d.at(5*time.Second, c.then...)
			d.run(15 * time.Second)
			if got := d.firsts(); !slices.Equal(got, c.want) {
				t.Errorf("started %v, want %v", got, c.want)
			}
		})
	}
}

func TestIntakeAfterAReportThatNamesAnotherCause(t *testing.T) {
	pull := complaint("pull", investigation.RuleImagePull, "front.shop", []string{"back.shop"})
	crash := complaint("crash", investigation.RuleCrashLoop, "front.shop", []string{"back.shop"})
	for name, c := range map[string]struct {
		culprit telemetry.Entity
		late    investigation.Trigger
		at      time.Duration // raised; the report comes after 20 s
		want    []string
	}{
		"an image, during the investigation":    {telemetry.Workload("shop", "deployment/back"), says(pull, 0), 12 * time.Second, []string{"a", "pull"}},
		"an image, after the report":            {telemetry.Service("back.shop"), says(pull, 0), 25 * time.Second, []string{"a", "pull"}},
		"a crash for want of what it calls":     {telemetry.Service("back.shop"), says(crash, 0), 25 * time.Second, []string{"a"}},
		"the cause itself":                      {telemetry.Workload("shop", "deployment/front"), says(pull, 0), 25 * time.Second, []string{"a"}},
		"a cause that is no workload":           {telemetry.Workload("shop", "configmap/front"), says(pull, 0), 25 * time.Second, []string{"a"}},
		"an image that the incident waited for": {telemetry.Service("back.shop"), says(pull, 0), 5 * time.Second, []string{"a"}},
		"a new image, long after the report":    {telemetry.Service("front.shop"), says(pull, 50*time.Second), 55 * time.Second, []string{"a", "pull"}},
		"a crash, long after the report":        {telemetry.Service("front.shop"), says(crash, 50*time.Second), 55 * time.Second, []string{"a", "crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.ends["a"], d.phases["a"], d.blames["a"] = 18*time.Second, workflows.AwaitingApproval, c.culprit
			d.at(0, alert("a", "front.shop", investigation.Critical, "back.shop"))
			d.at(c.at, c.late)
			d.run(90 * time.Second)
			if got := d.firsts(); !slices.Equal(got, c.want) {
				t.Errorf("started %v, want %v", got, c.want)
			}
		})
	}
}

func TestIntakeExpectsWhatFollowsACrash(t *testing.T) {
	d := newDesk(t)
	d.ends["oom"], d.phases["oom"], d.blames["oom"] = 10*time.Second, workflows.AwaitingApproval, telemetry.Workload("shop", "deployment/back")
	d.at(0, complaint("oom", investigation.RuleOOMKill, "back.shop", nil))
	d.at(45*time.Second, says(complaint("crash", investigation.RuleCrashLoop, "back.shop", nil), 40*time.Second))
	d.at(80*time.Second, says(complaint("stuck", investigation.RuleStuckRollout, "back.shop", nil), 70*time.Second))
	d.at(85*time.Second, says(complaint("pull", investigation.RuleImagePull, "back.shop", nil), 80*time.Second))
	d.run(100 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"oom", "pull"}) {
		t.Errorf("started %v: a crash loop and a stuck rollout follow from being killed, an image does not", got)
	}
}

// What a report foresees is no news when it happens.
func TestIntakeExpectsWhatTheCauseBrings(t *testing.T) {
	back := telemetry.Workload("shop", "deployment/back")
	for name, c := range map[string]struct {
		culprit   telemetry.Entity
		mechanism investigation.Mechanism
		phase     string
		then      investigation.Trigger
		want      []string
	}{
		"a leak ends in a kill":           {back, investigation.MemoryLeak, workflows.AwaitingApproval, complaint("then", investigation.RuleOOMKill, "back.shop", nil), []string{"a"}},
		"a leak, and an image":            {back, investigation.MemoryLeak, workflows.AwaitingApproval, complaint("then", investigation.RuleImagePull, "back.shop", nil), []string{"a", "then"}},
		"a leak, and another's kill":      {back, investigation.MemoryLeak, workflows.AwaitingApproval, complaint("then", investigation.RuleOOMKill, "mail.shop", nil), []string{"a", "then"}},
		"a leak that was mended":          {back, investigation.MemoryLeak, workflows.Resolved, complaint("then", investigation.RuleOOMKill, "back.shop", nil), []string{"a", "then"}},
		"a setting with which it crashes": {back, investigation.WrongConfiguration, workflows.Closed, complaint("then", investigation.RuleCrashLoop, "back.shop", nil), []string{"a"}},
		"a cause of another kind":         {back, investigation.MissingIndex, workflows.AwaitingApproval, complaint("then", investigation.RuleCrashLoop, "back.shop", nil), []string{"a", "then"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.ends["a"], d.phases["a"], d.blames["a"], d.how["a"] = 10*time.Second, c.phase, c.culprit, c.mechanism
			d.explains = true
			d.at(0, alert("a", "back.shop", investigation.Critical))
			d.at(45*time.Second, says(c.then, 40*time.Second))
			d.run(90 * time.Second)
			if got := d.firsts(); !slices.Equal(got, c.want) {
				t.Errorf("started %v, want %v", got, c.want)
			}
		})
	}
}

// verified runs Intake with the real DeploymentVerification and incidents that end without a cause after 10 s.
func verified(t *testing.T, bake time.Duration) *desk {
	t.Helper()
	d := newDesk(t)
	d.verifies, d.input.Policy.Bake = true, bake
	d.ends["deployed"], d.phases["deployed"] = 10*time.Second, workflows.Closed
	return d
}

func deployment(id, service string) investigation.Trigger {
	t := alert(id, service, investigation.Info)
	t.Kind, t.Rule = investigation.Deployment, "deployment"
	return t
}

func TestIntakeAndVerificationOpenOneIncident(t *testing.T) {
	crash := complaint("crash", investigation.RuleCrashLoop, "back.shop", nil)
	for name, at := range map[string]time.Duration{
		"with the deployment": 0, "while it waits to be watched": time.Second, "while it is watched": 20 * time.Second,
		"long after it was seen": 3 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			d := verified(t, 4*time.Minute)
			d.at(0, deployment("deployed", "back.shop"))
			d.at(at, crash)
			d.at(at+4*time.Second, complaint("stuck", investigation.RuleStuckRollout, "back.shop", nil))
			d.run(4*time.Minute + 30*time.Second)
			if got := d.firsts(); !slices.Equal(got, []string{"deployed"}) {
				t.Errorf("incidents of %v, want one of the deployment with the crash", got)
			}
		})
	}
	t.Run("the deployment comes after the crash", func(t *testing.T) {
		d := verified(t, time.Minute)
		d.at(0, crash)
		d.at(20*time.Second, deployment("deployed", "back.shop"))
		d.run(2 * time.Minute)
		if got := d.firsts(); !slices.Equal(got, []string{"crash"}) {
			t.Errorf("incidents of %v, want one", got)
		}
	})
}

func TestIntakeInfoStartsNothingByItself(t *testing.T) {
	info := func(id, service string) investigation.Trigger { return alert(id, service, investigation.Info) }
	for name, c := range map[string]struct {
		investigates bool
		triggers     map[time.Duration][]investigation.Trigger
		want         []string
		with         []string // triggers of the first incident, as Intake knows them
	}{
		"alone": {false, map[time.Duration][]investigation.Trigger{0: {info("i", "cart")}}, []string{}, nil},
		"with a deployment": {
			false, map[time.Duration][]investigation.Trigger{0: {deployment("d", "cart"), info("i", "cart")}}, []string{"d"}, []string{"d"},
		},
		"configured": {true, map[time.Duration][]investigation.Trigger{0: {info("i", "cart")}}, []string{"i"}, []string{"i"}},
		"with a warning": {
			false, map[time.Duration][]investigation.Trigger{0: {info("i", "cart"), alert("w", "cart", investigation.Warning), info("other", "mail")}}, []string{"w"}, []string{"w"},
		},
		"before a warning that comes later": {
			false,
			map[time.Duration][]investigation.Trigger{
				0: {info("i", "cart")}, 5 * time.Second: {alert("w", "cart", investigation.Warning)}, 10 * time.Second: {info("i", "cart")},
			},
			[]string{"w"},
			[]string{"w", "i"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.input.Policy.Info = c.investigates
			for at, ts := range c.triggers {
				d.at(at, ts...)
			}
			state := d.run(20 * time.Second)
			if got := d.firsts(); !slices.Equal(got, c.want) {
				t.Errorf("started %v, want %v", got, c.want)
			}
			if len(c.with) > 0 && !slices.Equal(state.Open[0].Triggers, c.with) {
				t.Errorf("the incident has %v, want %v", state.Open[0].Triggers, c.with)
			}
		})
	}
}

func TestIntakeGivesARuleOfNoServiceAnIncidentOfItsOwn(t *testing.T) {
	d := newDesk(t)
	rule := alert("r", "", investigation.Warning)
	rule.Rule = investigation.WrittenPrefix + "shop/backlog"
	d.at(0, alert("a", "payment", investigation.Critical))
	d.at(5*time.Second, rule)
	d.at(10*time.Second, alert("b", "cart", investigation.Critical))
	d.run(20 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"a", "r", "b"}) {
		t.Errorf("started %v", got)
	}
}

// That a node's disk is full says nothing of another node's, long after the report on the first.
func TestIntakeTellsTheAlarmsOfHostsApart(t *testing.T) {
	full := func(id, host string, after time.Duration) investigation.Trigger {
		a := says(alert(id, "", investigation.Critical), after)
		a.Rule, a.Entity = investigation.WrittenPrefix+"disk", telemetry.Host(host)
		return a
	}
	for name, c := range map[string]struct {
		then investigation.Trigger
		want []string
	}{
		"another host": {full("b", "node2", 50*time.Second), []string{"a", "b"}},
		"the same":     {full("b", "node1", 50*time.Second), []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.ends["a"], d.phases["a"] = 18*time.Second, workflows.AwaitingApproval
			d.at(0, full("a", "node1", 0))
			d.at(55*time.Second, c.then)
			d.run(90 * time.Second)
			if got := d.firsts(); !slices.Equal(got, c.want) {
				t.Errorf("started %v, want %v", got, c.want)
			}
		})
	}
}

// What one client calls is not one: a kubelet probes every pod, a scraper calls everybody.
func TestIntakeKeepsWhatOneClientCallsApart(t *testing.T) {
	d := newDesk(t)
	for _, service := range []string{"till", "mail"} {
		called := alert(service, service, investigation.Critical, "kubelet")
		called.Calls = nil
		d.at(0, called)
	}
	caller := alert("front", "front", investigation.Critical, "till", "kubelet")
	caller.Calls = []string{"till"}
	d.at(time.Second, caller)
	state := d.run(20 * time.Second)
	if got := d.firsts(); !slices.Equal(got, []string{"till", "mail"}) {
		t.Errorf("started %v, want two", got)
	}
	if got := state.Open[0].Triggers; !slices.Equal(got, []string{"till", "front"}) {
		t.Errorf("the first has %v, want it with its caller", got)
	}
}
