// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package ibmcloud stands in for Loki's client of IBM's object store, which is not compiled.
package ibmcloud

import (
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client/hedging"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without IBM's object store (tools/loki/without)",
)

// COSConfig has no setting of its own: one that is given is refused.
type COSConfig struct{}

func (*COSConfig) RegisterFlags(*flag.FlagSet) {}

func (*COSConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*COSConfig) Validate() error { return nil }

func (*COSConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewCOSObjectClient(COSConfig, hedging.Config) (client.ObjectClient, error) {
	return nil, errLeftOut
}
