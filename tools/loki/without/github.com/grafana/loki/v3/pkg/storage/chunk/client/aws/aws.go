// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package aws stands in for Loki's clients of S3 and DynamoDB, which are not compiled.
package aws

import (
	"errors"
	"flag"
	"net/url"

	"github.com/grafana/dskit/backoff"
	"github.com/grafana/dskit/flagext"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client/hedging"
	"github.com/grafana/loki/v3/pkg/storage/config"
	"github.com/grafana/loki/v3/pkg/storage/stores/series/index"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without S3 and DynamoDB (tools/loki/without)",
)

// S3Config has no setting of its own: one that is given is refused.
type S3Config struct {
	BackoffConfig backoff.Config `yaml:"-"`
}

func (*S3Config) RegisterFlags(*flag.FlagSet) {}

func (*S3Config) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*S3Config) Validate() error { return nil }

func (*S3Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

// MetricsConfig is where Loki's table manager would read how busy DynamoDB is.
type MetricsConfig struct {
	URL string `yaml:"-"`
}

// DynamoDBConfig has no setting of its own.
type DynamoDBConfig struct {
	DynamoDB flagext.URLValue `yaml:"-"`
	Metrics  MetricsConfig    `yaml:"-"`
}

// StorageConfig has no setting of its own: one that is given is refused.
type StorageConfig struct {
	DynamoDBConfig `yaml:"-"`
	S3Config       `yaml:"-"`
}

// RegisterFlags sets an address, without which Loki asks for one before it asks for a client.
func (c *StorageConfig) RegisterFlags(*flag.FlagSet) { c.DynamoDB.URL = &url.URL{} }

func IsRetryableErr(error) bool { return false }

func NewS3ObjectClient(S3Config, hedging.Config) (client.ObjectClient, error) {
	return nil, errLeftOut
}

func NewDynamoDBChunkClient(
	DynamoDBConfig, config.SchemaConfig, prometheus.Registerer,
) (client.Client, error) {
	return nil, errLeftOut
}

func NewDynamoDBIndexClient(
	DynamoDBConfig, config.SchemaConfig, prometheus.Registerer,
) (index.Client, error) {
	return nil, errLeftOut
}

func NewDynamoDBTableClient(DynamoDBConfig, prometheus.Registerer) (index.TableClient, error) {
	return nil, errLeftOut
}
