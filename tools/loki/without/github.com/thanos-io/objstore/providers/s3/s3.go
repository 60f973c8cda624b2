// SPDX-License-Identifier: Apache-2.0
// Written to the declarations of github.com/thanos-io/objstore;
// the program that is made with it is under the AGPL-3.0-only.

// Package s3 stands in for the client of S3 that Loki's newer one is made of; neither is compiled.
package s3

import (
	"context"

	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// ContextWithSSEConfig gives the context back as it is: no client will look for the key in it.
func ContextWithSSEConfig(ctx context.Context, _ encrypt.ServerSide) context.Context { return ctx }
