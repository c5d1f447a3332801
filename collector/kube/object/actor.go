package object

import (
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/kubernetes"
)

// Managed is what the API server noted about who wrote which fields. Normalize removes it, so it is read before.
type Managed []Object

// ManagedBy reads it.
func ManagedBy(o Object) Managed { return o.Metadata().Items("managedFields") }

// Actor is who made the difference between two versions: the field manager that owns a changed field and wrote last; of what controllers note of an
// object only if nothing else changed. subresource is "status" or "scale" when it wrote through one. Both are empty when the object does not tell.
func (m Managed) Actor(diff Diff) (manager, subresource string) {
	diff = diff.asked()
	var best, last Object
	for _, x := range m {
		if x.Text("subresource") == "" && (last == nil || !x.Time("time").Before(last.Time("time"))) {
			last = x
		}
		if (best == nil || !x.Time("time").Before(best.Time("time"))) && ownsAny(x.Map("fieldsV1"), diff) {
			best = x
		}
	}
	if best == nil && len(diff.Under("/metadata/deletionTimestamp")) > 0 { // who deletes an object is written nowhere in it
		return "", ""
	}
	if best == nil { // a field that was removed is owned by nobody; whoever only tells of the object's state removed none
		best = last
	}
	return best.Text("manager"), best.Text("subresource")
}

// asked are the differences but for what controllers note of an object; all, if there are no others.
func (d Diff) asked() Diff {
	out := slices.DeleteFunc(slices.Clone(d), func(x Difference) bool { return kubernetes.IsBookkeeping(x.Path) })
	if len(out) == 0 {
		return d
	}
	return out
}

func ownsAny(fields Object, diff Diff) bool {
	for _, d := range diff {
		if owns(fields, d.Path) {
			return true
		}
	}
	return false
}

// owns follows a path through a fieldsV1 tree. Items of a list stand there under their keys, k:{"name":"api"}; an item known by its position
// alone counts as owned by whoever wrote any item.
func owns(fields Object, path string) bool {
	at := fields
	for _, part := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		next, ok := at["f:"+unescape(part)].(map[string]any)
		if !ok {
			next, ok = listItem(at, unescape(part))
		}
		if !ok {
			return strings.Trim(part, "0123456789") == "" && hasListItems(at)
		}
		at = next
	}
	return true
}

func listItem(fields Object, name string) (item map[string]any, ok bool) {
	for key, v := range fields {
		if !strings.HasPrefix(key, "k:") {
			continue
		}
		id, err := Decode([]byte(key[2:]))
		if err == nil && (id.Text("name") == name || id.Text("type") == name) {
			item, ok = v.(map[string]any)
			return item, ok
		}
	}
	return nil, false
}

func hasListItems(fields Object) bool {
	for key := range fields {
		if strings.HasPrefix(key, "k:") || strings.HasPrefix(key, "v:") {
			return true
		}
	}
	return false
}

// Touched is the newest time that the object itself names: of a write, of its creation, of its deletion. It is of the API server's clock, in
// whole seconds. It reads managed fields, so o must not be normalized.
func Touched(o Object) time.Time {
	meta := o.Metadata()
	newest := meta.Time("creationTimestamp")
	later := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	for _, m := range meta.Items("managedFields") {
		later(m.Time("time"))
	}
	// deletionTimestamp lies in the future by the grace period.
	if deleted := meta.Time("deletionTimestamp"); !deleted.IsZero() {
		grace, _ := meta.Number("deletionGracePeriodSeconds")
		later(deleted.Add(-time.Duration(grace) * time.Second))
	}
	return newest
}
