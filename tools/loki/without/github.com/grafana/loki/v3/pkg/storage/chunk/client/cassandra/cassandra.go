// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package cassandra stands in for Loki's client of Cassandra, which is not compiled.
package cassandra

import (
	"context"
	"errors"
	"flag"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/config"
	"github.com/grafana/loki/v3/pkg/storage/stores/series/index"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Cassandra (tools/loki/without)",
)

// Config has no setting of its own: one that is given is refused.
type Config struct{}

func (*Config) RegisterFlags(*flag.FlagSet) {}

func (*Config) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*Config) Validate() error { return nil }

func (*Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewStorageClient(
	Config, config.SchemaConfig, prometheus.Registerer,
) (index.Client, error) {
	return nil, errLeftOut
}

func NewObjectClient(
	Config, config.SchemaConfig, prometheus.Registerer, int,
) (client.Client, error) {
	return nil, errLeftOut
}

func NewTableClient(
	context.Context, Config, prometheus.Registerer,
) (index.TableClient, error) {
	return nil, errLeftOut
}
