// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package openstack stands in for Loki's client of OpenStack's Swift, which is not compiled.
package openstack

import (
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client/hedging"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without OpenStack's Swift (tools/loki/without)",
)

// SwiftConfig has no setting of its own: one that is given is refused.
type SwiftConfig struct{}

func (*SwiftConfig) RegisterFlags(*flag.FlagSet) {}

func (*SwiftConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*SwiftConfig) Validate() error { return nil }

func (*SwiftConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewSwiftObjectClient(SwiftConfig, hedging.Config) (client.ObjectClient, error) {
	return nil, errLeftOut
}
