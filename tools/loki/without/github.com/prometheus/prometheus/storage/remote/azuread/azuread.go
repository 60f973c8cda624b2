// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/prometheus/prometheus;
// the program that is made with it is under the AGPL-3.0-only.

// Package azuread stands in for Azure's logins, which are not compiled.
package azuread

import (
	"errors"
	"net/http"
)

var errLeftOut = errors.New(
	"Updraft built this Loki without Azure's logins (tools/loki/without)",
)

// AzureADConfig can't be set: a setting that is given is refused.
type AzureADConfig struct{}

func (*AzureADConfig) UnmarshalYAML(func(any) error) error { return errLeftOut }

func NewAzureADRoundTripper(*AzureADConfig, http.RoundTripper) (http.RoundTripper, error) {
	return nil, errLeftOut
}
