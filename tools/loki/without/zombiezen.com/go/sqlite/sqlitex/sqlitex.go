// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of zombiezen.com/go/sqlite;
// the program that is made with it is under the AGPL-3.0-only.

// Package sqlitex stands in for what Loki asks SQLite by; neither is compiled.
package sqlitex

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"
)

var errLeftOut = errors.New("Updraft built this Loki without SQLite (tools/loki/without)")

type ExecOptions struct {
	Args       []any
	ResultFunc func(*sqlite.Stmt) error
}

type PoolOptions struct{}

// Pool is never made: where there is none, nothing else is asked.
type Pool struct{}

func NewPool(string, PoolOptions) (*Pool, error) { return nil, errLeftOut }

func (*Pool) Take(context.Context) (*sqlite.Conn, error) { return nil, errLeftOut }

func (*Pool) Put(*sqlite.Conn) {}

func (*Pool) Close() error { return errLeftOut }

func Execute(*sqlite.Conn, string, *ExecOptions) error { return errLeftOut }

func Transaction(*sqlite.Conn) func(*error) {
	return func(failed *error) { *failed = errLeftOut }
}
