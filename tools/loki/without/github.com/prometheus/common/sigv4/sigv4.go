// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/prometheus/common/sigv4;
// the program that is made with it is under the AGPL-3.0-only.

// Package sigv4 stands in for Amazon's way of signing requests, which is not compiled.
package sigv4

import (
	"errors"

	"github.com/prometheus/common/config"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Amazon's signatures (tools/loki/without)",
)

// SigV4Config can't be set: a setting that is given is refused.
type SigV4Config struct {
	Region    string        `yaml:"-"`
	AccessKey string        `yaml:"-"`
	SecretKey config.Secret `yaml:"-"`
	Profile   string        `yaml:"-"`
	RoleARN   string        `yaml:"-"`
}

func (*SigV4Config) UnmarshalYAML(func(interface{}) error) error { return errLeftOut }
