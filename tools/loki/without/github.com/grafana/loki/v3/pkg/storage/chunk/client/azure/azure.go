// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package azure stands in for Loki's client of Azure's blob store, which is not compiled.
package azure

import (
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client/hedging"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Azure's blob store (tools/loki/without)",
)

// BlobStorageConfig has no setting of its own: one that is given is refused.
type BlobStorageConfig struct{}

func (*BlobStorageConfig) RegisterFlags(*flag.FlagSet) {}

func (*BlobStorageConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*BlobStorageConfig) Validate() error { return nil }

func (*BlobStorageConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

// BlobStorageMetrics counts nothing: no blob is ever asked for.
type BlobStorageMetrics struct{}

func NewBlobStorageMetrics() BlobStorageMetrics { return BlobStorageMetrics{} }

func (BlobStorageMetrics) Unregister() {}

func NewBlobStorage(
	*BlobStorageConfig, BlobStorageMetrics, hedging.Config,
) (client.ObjectClient, error) {
	return nil, errLeftOut
}
