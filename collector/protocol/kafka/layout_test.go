package kafka

import (
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fill gives every field of a message a value, every array two elements, and every error the code 3.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; {
			case name == "Version" || name == "UnknownTags":
			case name == "ErrorCode":
				v.Field(i).SetInt(3)
			case strings.HasPrefix(name, "Records"):
				v.Field(i).SetBytes(nil)
			default:
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Array:
		v.Index(0).SetUint(7)
	case reflect.String:
		v.SetString("t")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	}
}

// count is how many fields of a message a name has been given to, and a value.
func count(v reflect.Value, counts func(name string, v reflect.Value) bool) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return count(v.Elem(), counts)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; counts(name, v.Field(i)) {
				n += max(1, length(v.Field(i)))
			}
			n += count(v.Field(i), counts)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += count(v.Index(i), counts)
		}
	}
	return n
}

func length(v reflect.Value) int {
	if v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}

func topicsOfRequest(name string, v reflect.Value) bool {
	return (name == "Topics" || name == "TopicNames") && v.Kind() == reflect.Slice && v.Len() > 0
}

func errorsOf(name string, v reflect.Value) bool { return name == "ErrorCode" && v.Int() != 0 }

// TestLayouts reads what kmsg, which is made from Kafka's own description, writes of every API that is laid out in every version that it knows.
func TestLayouts(t *testing.T) {
	for key := range int16(len(apis)) {
		for version := range apis[key].newest + 1 {
			request := kmsg.RequestForKey(key)
			request.SetVersion(version)
			fill(reflect.ValueOf(request).Elem())
			check(t, request, requests[key], key, version)
			answer := kmsg.ResponseForKey(key)
			answer.SetVersion(version)
			fill(reflect.ValueOf(answer).Elem())
			check(t, answer, answers[key], key, version)
		}
	}
}

// keyConsumerGroupHeartbeat is an API that says which topics a member has, not which one it asks for.
const keyConsumerGroupHeartbeat = 68

type message interface {
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
	SetVersion(int16)
	IsFlexible() bool
}

func check(t *testing.T, m message, l layout, key, version int16) {
	t.Helper()
	_, isRequest := m.(kmsg.Request)
	b := m.AppendTo(nil)
	again := reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
	again.SetVersion(version)
	if err := again.ReadFrom(b); err != nil {
		t.Fatalf("%s %d: %v", apis[key].name, version, err)
	}
	if m.IsFlexible() != apis[key].isFlexible(version) {
		t.Errorf("%s %d: flexible is not %t", apis[key].name, version, m.IsFlexible())
	}
	errors := count(reflect.ValueOf(again), errorsOf)
	if l == nil {
		if !isRequest && errors > 0 {
			t.Errorf("%s %d: %d errors are not laid out", apis[key].name, version, errors)
		}
		return
	}
	var f found
	r := body{b: b, size: int64(len(b)), flexible: m.IsFlexible()}
	if l.structure(&r, version, &f) && (r.over() || r.size > 0) {
		t.Errorf("%s %d, request %t: of %d bytes %d are left, cut %t, bad %t: %x", apis[key].name, version, isRequest, len(b), r.size, r.cut, r.bad, b)
	}
	if !isRequest && (f.code == 3) != (errors > 0) {
		t.Errorf("%s %d: error %d, there are %d", apis[key].name, version, f.code, errors)
	}
	if want := count(reflect.ValueOf(again), topicsOfRequest); isRequest && key != keyConsumerGroupHeartbeat && int(f.topics) != want {
		t.Errorf("%s %d: %d topics, want %d", apis[key].name, version, f.topics, want)
	}
	if isRequest && f.topics > 0 && f.first.name != "t" && f.first.id != [16]byte{7} {
		t.Errorf("%s %d: topic %+v", apis[key].name, version, f.first)
	}
	for n := range b { // whatever is cut off, it is seen
		r := body{b: b[:n], size: int64(len(b)), flexible: m.IsFlexible()}
		if l.structure(&r, version, &found{}) && !r.cut || r.bad {
			t.Fatalf("%s %d, request %t: of %d bytes %d are enough, bad %t", apis[key].name, version, isRequest, len(b), n, r.bad)
		}
	}
}

// TestNames compares names and newest versions with what kmsg has.
func TestNames(t *testing.T) {
	if len(apis) != kmsg.MaxKey+1 {
		t.Errorf("%d APIs, kmsg has %d", len(apis), kmsg.MaxKey+1)
	}
	for key, a := range apis {
		theirs := kmsg.NameForKey(int16(key))
		if key == 45 {
			theirs = "AlterPartitionReassignments"
		}
		if !strings.EqualFold(a.name, theirs) {
			t.Errorf("%d: %s, kmsg has %s", key, a.name, theirs)
		}
		if newest := kmsg.RequestForKey(int16(key)).MaxVersion(); newest != a.newest {
			t.Errorf("%s: %d, kmsg has %d", a.name, a.newest, newest)
		}
	}
}
