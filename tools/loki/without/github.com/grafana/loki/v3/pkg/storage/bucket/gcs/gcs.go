// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package gcs stands in for Loki's newer client of Google's object store, which is not compiled.
package gcs

import (
	"context"
	"errors"
	"flag"
	"net/http"

	"github.com/go-kit/log"
	"github.com/thanos-io/objstore"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Google's object store (tools/loki/without)",
)

// Config has no setting of its own: one that is given is refused.
type Config struct {
	MaxRetries int               `yaml:"-"`
	Transport  http.RoundTripper `yaml:"-"`
}

func (*Config) RegisterFlags(*flag.FlagSet) {}

func (*Config) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*Config) Validate() error { return nil }

func (*Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewBucketClient(
	context.Context, Config, string, log.Logger, func(http.RoundTripper) http.RoundTripper,
) (objstore.Bucket, error) {
	return nil, errLeftOut
}
