#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0
#
# Generates, in this order: the Go code of every .proto file below appliance/
# and the descriptor set that package schemas embeds; the lists of all classes,
# drivers and hooks; the tables, JSON Schemas and README files that are made
# from their declarations. The result depends on nothing but the sources and
# the versions pinned here and in go.mod.
set -eu

module=github.com/bessform/terraform-provider-bess
want=3.21.12 # generated files name the version of protoc, so it is pinned

cd "$(dirname "$0")/.."

if ! command -v protoc >/dev/null; then
	echo "generate: protoc is missing; install version $want (Debian: protobuf-compiler)" >&2
	exit 1
fi
have=$(protoc --version | awk '{print $2}')
if [ "$have" != "$want" ]; then
	echo "generate: protoc is version $have, but $want is needed; other versions change every generated file" >&2
	exit 1
fi

go build -o bin/tools/ \
	google.golang.org/protobuf/cmd/protoc-gen-go \
	google.golang.org/grpc/cmd/protoc-gen-go-grpc

# One line per file, in an order that does not depend on the locale.
files=$(find appliance -name '*.proto' | LC_ALL=C sort)

# shellcheck disable=SC2086 # one argument per file
protoc -I . \
	--plugin=protoc-gen-go=bin/tools/protoc-gen-go \
	--plugin=protoc-gen-go-grpc=bin/tools/protoc-gen-go-grpc \
	--go_out=. --go_opt=module=$module \
	--go-grpc_out=. --go-grpc_opt=module=$module \
	--include_imports --include_source_info \
	--descriptor_set_out=schemas/descriptors.binpb \
	$files

# The example of a class made elsewhere, as its README says.
protoc -I examples/custom-class -I . \
	--plugin=protoc-gen-go=bin/tools/protoc-gen-go \
	--go_out=examples/custom-class --go_opt=paths=source_relative \
	dscpmark/dscpmark.proto

go run ./appliance/cmd/listgen
go run ./appliance/cmd/schemagen
