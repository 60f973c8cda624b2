// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package baidubce stands in for Loki's client of Baidu's object store, which is not compiled.
package baidubce

import (
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Baidu's object store (tools/loki/without)",
)

// BOSStorageConfig has no setting of its own: one that is given is refused.
type BOSStorageConfig struct{}

func (*BOSStorageConfig) RegisterFlags(*flag.FlagSet) {}

func (*BOSStorageConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*BOSStorageConfig) Validate() error { return nil }

func (*BOSStorageConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewBOSObjectStorage(*BOSStorageConfig) (client.ObjectClient, error) {
	return nil, errLeftOut
}
