// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// family groups the field kinds that rules treat alike.
type family uint8

const (
	famOther family = iota // booleans, enums, messages: required and items only
	famSigned
	famUnsigned
	famFloat
	famString
	famBytes
)

func familyOf(k protoreflect.Kind) family {
	switch k {
	case protoreflect.StringKind:
		return famString
	case protoreflect.BytesKind:
		return famBytes
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return famFloat
	}
	switch bits, signed := intKind(k); {
	case bits == 0:
		return famOther
	case signed:
		return famSigned
	}
	return famUnsigned
}

// rule is an option.Rule made ready for values of one family. Texts are made
// beforehand, so that checking a value allocates nothing.
type rule struct {
	fam                        family
	required, zeroIsDefault    bool
	minItems, maxItems, maxLen int

	ranged     bool
	minI, maxI int64
	minU, maxU uint64
	minF, maxF float64
	rangeText  string

	powerOfTwo bool
	oneOfInt   []scalar.Int
	oneOfFloat []float64
	oneOfText  []string // the values as written
	oneOfMsg   string

	format func(string) error
}

// compileRule prepares r for a field of the given kind. problem tells what
// is wrong with the rule itself (the part is ignored then).
func compileRule(k protoreflect.Kind, r *option.Rule) (c *rule, problem string) {
	c = &rule{
		fam: familyOf(k), required: r.GetRequired(), zeroIsDefault: r.GetZeroIsDefault(), powerOfTwo: r.GetPowerOfTwo(),
		minItems: int(r.GetMinItems()), maxItems: int(r.GetMaxItems()), maxLen: int(r.GetMaxLen()),
	}
	var problems []string
	note := func(p string) {
		if p != "" {
			problems = append(problems, p)
		}
	}
	if r.Min != nil || r.Max != nil {
		note(c.setRange(r))
	}
	note(c.setOneOf(r.GetOneOf()))
	if f := r.GetFormat(); f != "" {
		c.format = formats[f]
		if c.format == nil || c.fam != famString {
			note(fmt.Sprintf("format %q does not exist or does not suit the field", f))
		}
	}
	if c.powerOfTwo && c.fam != famSigned && c.fam != famUnsigned {
		note("power_of_two needs an integer")
	}
	if c.maxLen > 0 && c.fam != famString && c.fam != famBytes {
		note("max_len needs a string or bytes")
	}
	return c, strings.Join(problems, "; ")
}

func (c *rule) setRange(r *option.Rule) (problem string) {
	lo, hi := math.Inf(-1), math.Inf(1)
	if r.Min != nil {
		lo = r.GetMin()
	}
	if r.Max != nil {
		hi = r.GetMax()
	}
	if !(lo <= hi) || c.fam != famSigned && c.fam != famUnsigned && c.fam != famFloat {
		return "min and max need a number, and min must not be above max"
	}
	c.ranged = true
	c.minF, c.maxF = lo, hi
	c.minI, c.maxI = clampInt(math.Ceil(lo)), clampInt(math.Floor(hi))
	c.minU, c.maxU = clampUint(math.Ceil(lo)), clampUint(math.Floor(hi))
	if c.fam == famUnsigned && hi < 0 {
		return "max below 0 for an unsigned field"
	}
	c.rangeText = rangeText(r)
	return ""
}

func rangeText(r *option.Rule) string {
	num := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var text string
	switch {
	case r.Max == nil:
		text = "must be at least " + num(r.GetMin())
	case r.Min == nil:
		text = "must be at most " + num(r.GetMax())
	default:
		text = "must be " + num(r.GetMin()) + ".." + num(r.GetMax())
	}
	if r.GetUnit() != "" {
		text += " " + r.GetUnit()
	}
	if r.GetZeroIsDefault() && (r.Min == nil || r.GetMin() > 0) {
		text += ", or 0 for the default"
	}
	return text
}

// clampInt converts a whole number, or the nearest an int64 can hold.
func clampInt(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func clampUint(f float64) uint64 {
	switch {
	case f >= math.MaxUint64:
		return math.MaxUint64
	case f <= 0:
		return 0
	}
	return uint64(f)
}

func (c *rule) setOneOf(values []string) (problem string) {
	if len(values) == 0 {
		return ""
	}
	c.oneOfText = values
	c.oneOfMsg = "must be one of " + strings.Join(values, ", ")
	for _, s := range values {
		var err error
		switch c.fam {
		case famSigned, famUnsigned:
			var n scalar.Int
			n, err = scalar.ParseInt(s)
			c.oneOfInt = append(c.oneOfInt, n)
		case famFloat:
			var f float64
			f, err = scalar.Float(s)
			c.oneOfFloat = append(c.oneOfFloat, f)
		case famString:
		default:
			return "one_of needs a number or a string"
		}
		if err != nil {
			problem = fmt.Sprintf("one_of value %q is no number", s)
		}
	}
	return problem
}

// value checks one value of the rule's family. msg is "" when all is well.
// An empty string or empty bytes pass when lone, as "not given".
func (c *rule) value(v protoreflect.Value, lone bool) (msg, hint string) {
	switch c.fam {
	case famSigned:
		i := v.Int()
		if c.zeroIsDefault && i == 0 {
			return "", ""
		}
		return c.number(i < c.minI || i > c.maxI, scalar.FromInt64(i)), ""
	case famUnsigned:
		u := v.Uint()
		if c.zeroIsDefault && u == 0 {
			return "", ""
		}
		return c.number(u < c.minU || u > c.maxU, scalar.Int{Mag: u}), ""
	case famFloat:
		return c.float(v.Float()), ""
	case famString:
		return c.text(v.String(), lone)
	case famBytes:
		return c.length(len(v.Bytes())), ""
	}
	return "", ""
}

func (c *rule) number(outside bool, n scalar.Int) string {
	switch {
	case c.ranged && outside:
		return c.rangeText
	case c.powerOfTwo && (n.Neg || n.Mag == 0 || n.Mag&(n.Mag-1) != 0):
		return "must be a power of two"
	case c.oneOfInt != nil && !slices.Contains(c.oneOfInt, n):
		return c.oneOfMsg
	}
	return ""
}

func (c *rule) float(f float64) string {
	switch {
	case c.zeroIsDefault && f == 0:
		return ""
	case c.ranged && !(f >= c.minF && f <= c.maxF): // NaN is outside
		return c.rangeText
	case c.oneOfFloat != nil && !slices.Contains(c.oneOfFloat, f):
		return c.oneOfMsg
	}
	return ""
}

func (c *rule) text(s string, lone bool) (msg, hint string) {
	if s == "" && lone {
		return "", ""
	}
	if msg = c.length(len(s)); msg != "" {
		return msg, ""
	}
	if c.oneOfText != nil && !slices.Contains(c.oneOfText, s) {
		return c.oneOfMsg, scalar.DidYouMean(s, c.oneOfText)
	}
	if c.format != nil {
		if err := c.format(s); err != nil {
			return err.Error(), ""
		}
	}
	return "", ""
}

func (c *rule) length(n int) string {
	if c.maxLen > 0 && n > c.maxLen {
		return fmt.Sprintf("must be at most %d bytes, got %d", c.maxLen, n)
	}
	return ""
}

// items checks the number of elements of a list or map.
func (c *rule) items(n int) string {
	switch {
	case c.required && n == 0:
		return "must be set"
	case n < c.minItems:
		return fmt.Sprintf("must have at least %s, got %d", elements(c.minItems), n)
	case c.maxItems > 0 && n > c.maxItems:
		return fmt.Sprintf("must have at most %s, got %d", elements(c.maxItems), n)
	}
	return ""
}

func elements(n int) string {
	if n == 1 {
		return "1 element"
	}
	return strconv.Itoa(n) + " elements"
}
