// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/prometheus/prometheus;
// the program that is made with it is under the AGPL-3.0-only.

// Package googleiam stands in for Google's logins, which are not compiled.
package googleiam

import (
	"errors"
	"net/http"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Google's logins (tools/loki/without)",
)

// Config can't be set: a setting that is given is refused.
type Config struct{}

func (*Config) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewRoundTripper(*Config, http.RoundTripper) (http.RoundTripper, error) {
	return nil, errLeftOut
}
