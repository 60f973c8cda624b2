// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package swift stands in for Loki's newer client of OpenStack's Swift, which is not compiled.
package swift

import (
	"errors"
	"flag"
	"net/http"

	"github.com/go-kit/log"
	"github.com/thanos-io/objstore"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without OpenStack's Swift (tools/loki/without)",
)

// HTTPConfig holds what Loki sets itself.
type HTTPConfig struct {
	Transport http.RoundTripper `yaml:"-"`
}

// Config has no setting of its own: one that is given is refused.
type Config struct {
	MaxRetries int        `yaml:"-"`
	HTTP       HTTPConfig `yaml:"-"`
}

func (*Config) RegisterFlags(*flag.FlagSet) {}

func (*Config) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*Config) Validate() error { return nil }

func (*Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewBucketClient(
	Config, string, log.Logger, func(http.RoundTripper) http.RoundTripper,
) (objstore.Bucket, error) {
	return nil, errLeftOut
}
