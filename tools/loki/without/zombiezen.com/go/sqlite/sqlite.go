// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of zombiezen.com/go/sqlite;
// the program that is made with it is under the AGPL-3.0-only.

// Package sqlite stands in for SQLite, in which Loki can note what is to be deleted; by default it
// does so in bbolt, so SQLite is not compiled.
package sqlite

import "errors"

var errLeftOut = errors.New("Updraft built this Loki without SQLite (tools/loki/without)")

type OpenFlags uint

const (
	OpenReadWrite OpenFlags = 1 << iota
	OpenCreate
)

// Conn is never made.
type Conn struct{}

func OpenConn(string, ...OpenFlags) (*Conn, error) { return nil, errLeftOut }

func (*Conn) Changes() int { return 0 }

func (*Conn) Close() error { return errLeftOut }

// Stmt is never made.
type Stmt struct{}

func (*Stmt) ColumnInt(int) int { return 0 }

func (*Stmt) GetInt64(string) int64 { return 0 }

func (*Stmt) GetText(string) string { return "" }

// Backup is never made.
type Backup struct{}

func NewBackup(*Conn, string, *Conn, string) (*Backup, error) { return nil, errLeftOut }

func (*Backup) Step(int) (bool, error) { return false, errLeftOut }

func (*Backup) Close() error { return errLeftOut }
