// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

var scalars = []any{
	nil, true, false, 0, 1, -1, 8192, 1 << 31, int64(math.MinInt64), uint64(math.MaxUint64), 1.5, 2.0, math.NaN(), math.Inf(1), float32(0.5),
	json.Number("3"), json.Number("0x"), big.NewFloat(7), (*big.Float)(nil), new(big.Float).SetMantExp(big.NewFloat(1), math.MaxInt32-1),
	"", "x", "0", "-7", "0x10", "0800", "GREEN", "packet", "10.0.0.0/8", "02:00:00:00:00:01", "base64:aGk=", "NaN", "\xff", "a.b[0]",
	[]byte{1}, []string{"a"}, map[any]any{1: 2, false: kv{}}, map[int]int{1: 1}, struct{}{}, Unknown{}, kv{"payload": "a"}, []any{},
}

// random makes a value for a message of type d: mostly its fields, sometimes
// anything.
func random(r *rand.Rand, d protoreflect.MessageDescriptor, depth int) any {
	if depth == 0 || r.IntN(12) == 0 {
		return scalars[r.IntN(len(scalars))]
	}
	m := kv{}
	for range r.IntN(8) {
		fd := d.Fields().Get(r.IntN(d.Fields().Len()))
		one := func() any {
			elem := fd
			if fd.IsMap() {
				elem = fd.MapValue()
			}
			if elem.Message() != nil {
				return random(r, elem.Message(), depth-1)
			}
			return scalars[r.IntN(len(scalars))]
		}
		switch {
		case fd.IsMap():
			m[string(fd.Name())] = kv{"1": one(), "true": one(), "packet": one()}
		case fd.IsList():
			m[string(fd.Name())] = []any{one(), one()}
		default:
			m[string(fd.Name())] = one()
		}
	}
	if r.IntN(20) == 0 {
		m["nonsense"] = 1
	}
	return m
}

// Whatever is given, Decode returns a message, and findings that say something;
// what it accepts survives Encode and passes Check.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, seed+1)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		for _, name := range []protoreflect.Name{"All", "Ruled", "Data"} {
			d := desc(t, name)
			for range 5 {
				v := random(r, d, 4)
				msg, finds := Decode(d, v, Options{})
				for _, f := range finds {
					if f.Msg == "" {
						t.Fatalf("%v: finding without message: %+v", v, f)
					}
				}
				if len(finds) > 0 {
					continue
				}
				roundTrip(t, msg, true)
				if more := Check(msg); len(more) > 0 && !scalar.HasUnknown(v) {
					t.Fatalf("%s: Decode accepts, Check does not: %s", JSON(msg), Text(more))
				}
			}
		}
	})
}

// roundTrip encodes and decodes msg. strict means that nothing may be refused.
func roundTrip(t *testing.T, msg proto.Message, strict bool) {
	t.Helper()
	d := msg.ProtoReflect().Descriptor()
	back, finds := Decode(d, Encode(msg), Options{NoRules: true})
	if len(finds) > 0 {
		if strict {
			t.Fatalf("Decode(Encode(%s)): %s", JSON(msg), Text(finds))
		}
		return
	}
	if !Equal(msg, back) || JSON(msg) != JSON(back) {
		t.Fatalf("%s became %s", JSON(msg), JSON(back))
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(JSON(msg)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s is no JSON: %v", JSON(msg), err)
	}
	if back, finds = Decode(d, v, Options{NoRules: true}); len(finds) > 0 || !Equal(msg, back) {
		t.Fatalf("%s read from JSON became %s: %s", JSON(msg), JSON(back), Text(finds))
	}
}

// Bytes from the wire: Check and Encode hold for every message that protobuf
// decodes.
func FuzzCheckWire(f *testing.F) {
	for _, text := range []string{
		`{"gate":"-1","macs":["x"],"limit":{"bit":"0"},"inner":{"inner":{"name":"n"}}}`,
		`{"all":{"data":[{"valueBin":"AA=="}],"m":{"1":2},"bm":{"true":{"e":"GREEN"}},"f":"NaN"}}`,
	} {
		m := dynamicpb.NewMessage(desc(f, "Ruled"))
		if err := protojson.Unmarshal([]byte(text), m); err != nil {
			f.Fatal(err)
		}
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := dynamicpb.NewMessage(desc(t, "Ruled"))
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(wire, m) != nil {
			return
		}
		first := Text(Check(m))
		if again := Text(Check(m)); again != first {
			t.Fatalf("findings differ:\n%s\n%s", first, again)
		}
		roundTrip(t, m, false)
	})
}
