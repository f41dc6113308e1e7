// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// emptyArg is the full name of the argument that means "all defaults".
const emptyArg = "bess.pb.EmptyArg"

// decodeArg turns the Any of a request into a message of want's type (nil:
// EmptyArg) and checks the ranges given in the .proto file. owner is the
// class or driver the argument belongs to; what begins the error texts.
//
// An absent Any, EmptyArg and messages of the owner that carry nothing are
// the empty argument, as clients that do not know the type send them; any
// other type is EINVAL (spec: api.md section 3, badinput.md).
func decodeArg(what, owner string, want proto.Message, arg *anypb.Any) (proto.Message, error) {
	if want == nil {
		want = (*api.EmptyArg)(nil)
	}
	msg := want.ProtoReflect().New().Interface()
	given := typeName(arg)
	expected := string(want.ProtoReflect().Descriptor().FullName())
	switch {
	case given == "" || given == emptyArg && expected != emptyArg:
		// All defaults; the range checks below still apply.
	case given == expected:
		if err := proto.Unmarshal(arg.GetValue(), msg); err != nil {
			return nil, errno.Errorf(errno.EINVAL, "%s: argument is not a valid %s: %w", what, expected, err)
		}
		if n := len(msg.ProtoReflect().GetUnknown()); n > 0 {
			return nil, errno.Errorf(errno.EINVAL, "%s: argument %s has %d bytes of unknown fields", what, expected, n)
		}
	case expected == emptyArg && len(arg.GetValue()) == 0 && belongsTo(given, owner):
		// For example ArpResponderArg at the creation of an ArpResponder.
	default:
		return nil, errno.Errorf(errno.EINVAL, "%s: argument has type %s, expected %s", what, given, expected)
	}
	if found := args.Check(msg); len(found) > 0 {
		texts := make([]string, 0, len(found))
		for _, f := range found {
			texts = append(texts, f.String())
		}
		return nil, errno.Errorf(errno.EINVAL, "%s: %s", what, strings.Join(texts, "; "))
	}
	return msg, nil
}

// typeName returns what follows the last slash of the type URL, "" if there
// is no argument.
func typeName(arg *anypb.Any) string {
	url := arg.GetTypeUrl()
	return url[strings.LastIndexByte(url, '/')+1:]
}

// belongsTo reports whether a message is one of the owner's, by its name.
func belongsTo(message, owner string) bool {
	short := message[strings.LastIndexByte(message, '.')+1:]
	return strings.HasPrefix(strings.ToLower(short), strings.ToLower(owner))
}

func cloneAny(a *anypb.Any) *anypb.Any {
	if a == nil {
		return nil
	}
	return proto.Clone(a).(*anypb.Any)
}

func (e *Engine) suggestClass(name string) string {
	return suggest(name, e.Classes())
}

// suggest returns a question naming the most similar candidate, or "".
func suggest(name string, candidates []string) string {
	if s := args.Suggest(name, candidates); s != "" {
		return " (did you mean " + s + "?)"
	}
	return ""
}
