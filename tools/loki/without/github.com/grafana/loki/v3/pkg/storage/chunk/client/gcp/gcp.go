// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package gcp stands in for Loki's clients of Google's stores, which are not compiled.
package gcp

import (
	"context"
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client/hedging"
	"github.com/grafana/loki/v3/pkg/storage/config"
	"github.com/grafana/loki/v3/pkg/storage/stores/series/index"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Google's stores (tools/loki/without)",
)

// Config has no setting of its own: one that is given is refused.
type Config struct {
	DistributeKeys bool `yaml:"-"`
}

func (*Config) RegisterFlags(*flag.FlagSet) {}

func (*Config) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*Config) Validate() error { return nil }

func (*Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

// GCSConfig has no setting of its own: one that is given is refused.
type GCSConfig struct {
	EnableRetries bool `yaml:"-"`
}

func (*GCSConfig) RegisterFlags(*flag.FlagSet) {}

func (*GCSConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*GCSConfig) Validate() error { return nil }

func (*GCSConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func IsRetryableErr(error) bool { return false }

func NewGCSObjectClient(context.Context, GCSConfig, hedging.Config) (client.ObjectClient, error) {
	return nil, errLeftOut
}

func NewBigtableObjectClient(
	context.Context, Config, config.SchemaConfig,
) (client.Client, error) {
	return nil, errLeftOut
}

func NewStorageClientV1(context.Context, Config, config.SchemaConfig) (index.Client, error) {
	return nil, errLeftOut
}

func NewStorageClientColumnKey(
	context.Context, Config, config.SchemaConfig,
) (index.Client, error) {
	return nil, errLeftOut
}

func NewTableClient(context.Context, Config) (index.TableClient, error) {
	return nil, errLeftOut
}
