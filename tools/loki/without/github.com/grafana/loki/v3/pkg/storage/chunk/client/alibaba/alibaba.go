// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/grafana/loki/v3;
// the program that is made with it is under the AGPL-3.0-only.

// Package alibaba stands in for Loki's client of Alibaba's object store, which is not compiled.
package alibaba

import (
	"context"
	"errors"
	"flag"

	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Alibaba's object store (tools/loki/without)",
)

// OssConfig has no setting of its own: one that is given is refused.
type OssConfig struct{}

func (*OssConfig) RegisterFlags(*flag.FlagSet) {}

func (*OssConfig) RegisterFlagsWithPrefix(string, *flag.FlagSet) {}

func (*OssConfig) Validate() error { return nil }

func (*OssConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewOssObjectClient(context.Context, OssConfig) (client.ObjectClient, error) {
	return nil, errLeftOut
}
