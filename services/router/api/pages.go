package api

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

// pagesPurpose names the secret that page tokens are sealed with; all replicas share it.
const pagesPurpose = "page-tokens"

// sealPage makes the page token for the page of parent that begins after an id. It is encrypted and bound to its parent, so
// nobody can build on what it holds or make one up.
func sealPage(ctx context.Context, store *settings.Store, parent, after string) (string, error) {
	if after == "" {
		return "", nil
	}
	box, err := pageBox(ctx, store)
	if err != nil {
		return "", err
	}
	sealed := box.Seal(nil, nil, []byte(after), []byte(parent)) //nolint:gosec // the box draws its nonce itself
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openPage is the inverse of sealPage. A token that sealPage did not make for this parent is refused.
func openPage(ctx context.Context, store *settings.Store, parent, token string) (after string, err error) {
	if token == "" {
		return "", nil
	}
	box, err := pageBox(ctx, store)
	if err != nil {
		return "", err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || base64.RawURLEncoding.EncodeToString(sealed) != token {
		return "", errPageToken()
	}
	opened, err := box.Open(nil, nil, sealed, []byte(parent))
	if err != nil {
		return "", errPageToken()
	}
	return string(opened), nil
}

func errPageToken() error {
	return invalidField("page_token", "is not a token of this list; begin again without one")
}

func pageBox(ctx context.Context, store *settings.Store) (cipher.AEAD, error) {
	secret, err := store.Secret(ctx, pagesPurpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("make page token cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
