// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// Int is a 64-bit integer of either sign: the union of int64 and uint64.
type Int struct {
	// Neg is set for numbers below zero.
	Neg bool
	// Mag is the absolute value.
	Mag uint64
}

// String returns the decimal digits.
func (i Int) String() string {
	s := strconv.FormatUint(i.Mag, 10)
	if i.Neg {
		return "-" + s
	}
	return s
}

// Int64 returns the value and whether it fits into bits (32 or 64) signed.
func (i Int) Int64(bits int) (int64, bool) {
	limit := uint64(1) << (bits - 1)
	if i.Neg {
		if i.Mag > limit {
			return 0, false
		}
		return -int64(i.Mag-1) - 1, true
	}
	return int64(i.Mag), i.Mag < limit
}

// Uint64 returns the value and whether it fits into bits (32 or 64) unsigned.
func (i Int) Uint64(bits int) (uint64, bool) {
	if i.Neg || bits < 64 && i.Mag >= 1<<bits {
		return 0, false
	}
	return i.Mag, true
}

// FromInt64 returns v as an Int.
func FromInt64(v int64) Int {
	if v < 0 {
		return Int{Neg: true, Mag: uint64(-(v + 1)) + 1}
	}
	return Int{Mag: uint64(v)}
}

var (
	errFraction = errors.New("must be a whole number")
	errWide     = errors.New("number does not fit into 64 bits")
	errDigits   = errors.New(`must be a number: decimal digits or "0x" and hex digits`)
	errZeros    = errors.New("number with leading zeros")
)

// Integer reads a whole number. Accepted are Go's integer types, floats,
// json.Number and *big.Float without a fraction, and the strings "123",
// "-5" and "0x1f" (no blanks, no "+", no leading zeros, no "1e3").
func Integer(v any) (Int, error) {
	switch x := v.(type) {
	case int:
		return FromInt64(int64(x)), nil
	case int64:
		return FromInt64(x), nil
	case uint64:
		return Int{Mag: x}, nil
	case float64:
		return integerFloat(x)
	case float32:
		return integerFloat(float64(x))
	case string:
		return ParseInt(x)
	case json.Number:
		return integerJSON(string(x))
	case *big.Float:
		return integerBig(x)
	}
	if i, ok := toInteger(v); ok {
		return i, nil
	}
	return Int{}, errors.New("expected a whole number, got " + Kind(v))
}

// toInteger covers Go's integer types, named ones included.
func toInteger(v any) (Int, bool) {
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return FromInt64(rv.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Int{Mag: rv.Uint()}, true
	}
	return Int{}, false
}

func integerFloat(f float64) (Int, error) {
	mag := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return Int{}, errFraction
	case mag != math.Trunc(mag):
		return Int{}, errFraction
	case mag >= 1<<64:
		return Int{}, errWide
	}
	return Int{Neg: f < 0, Mag: uint64(mag)}, nil
}

func integerBig(f *big.Float) (Int, error) {
	if f == nil || f.IsInf() || !f.IsInt() {
		return Int{}, errFraction
	}
	mag, acc := new(big.Float).Abs(f).Uint64()
	if acc != big.Exact {
		return Int{}, errWide
	}
	return Int{Neg: f.Sign() < 0, Mag: mag}, nil
}

// integerJSON reads JSON's number syntax: 10, 1.0 and 1e3 are whole numbers.
func integerJSON(s string) (Int, error) {
	if i, err := ParseInt(s); err == nil && !strings.Contains(s, "x") {
		return i, nil
	}
	if len(s) > 400 || !json.Valid([]byte(s)) || !startsNumber(s) {
		return Int{}, errDigits
	}
	f, _, err := big.ParseFloat(s, 10, 1500, big.ToZero)
	if err != nil {
		return Int{}, errWide
	}
	return integerBig(f)
}

func startsNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9')
}

// ParseInt reads "123", "-5" or "0x1f" and nothing else.
func ParseInt(s string) (Int, error) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		return parseMag(hex, 16, false)
	}
	digits, neg := strings.CutPrefix(s, "-")
	if len(digits) > 1 && digits[0] == '0' {
		return Int{}, errZeros
	}
	return parseMag(digits, 10, neg)
}

func parseMag(digits string, base int, neg bool) (Int, error) {
	if digits == "" || digits[0] == '+' || digits[0] == '-' {
		return Int{}, errDigits
	}
	mag, err := strconv.ParseUint(digits, base, 64)
	if errors.Is(err, strconv.ErrRange) {
		return Int{}, errWide
	}
	if err != nil {
		return Int{}, errDigits
	}
	return Int{Neg: neg && mag != 0, Mag: mag}, nil
}

// Float reads a floating point number: any number, and the strings "NaN",
// "Infinity" and "-Infinity" or a decimal number.
func Float(v any) (float64, error) {
	switch x := v.(type) {
	case float64:
		return x, nil
	case float32:
		return float64(x), nil
	case json.Number:
		return floatText(string(x))
	case *big.Float:
		if x == nil {
			break
		}
		f, _ := x.Float64()
		return f, nil
	case string:
		return floatText(x)
	}
	if i, ok := toInteger(v); ok {
		f := float64(i.Mag)
		if i.Neg {
			f = -f
		}
		return f, nil
	}
	return 0, errors.New("expected a number, got " + Kind(v))
}

func floatText(s string) (float64, error) {
	switch s {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if !startsNumber(s) || strings.ContainsAny(s, "xX_pPiInN") {
		return 0, errors.New("must be a number")
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("must be a number that fits into 64 bits")
	}
	return f, nil
}
