// Package listing is what every list call of the API has in common: page tokens and filters.
package listing

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
)

// Secrets keeps what page tokens are sealed with.
type Secrets interface {
	// Secret answers the secret for a purpose, the same in all replicas; 32 bytes.
	Secret(ctx context.Context, purpose string) ([]byte, error)
}

// Pages seals and opens page tokens.
type Pages struct{ Secrets Secrets }

// purpose names the secret.
const purpose = "page-tokens"

// DefaultSize is the size of a page when none is asked for; the contract says so.
const DefaultSize = 100

// Size answers how many items a page is to have.
func Size(asked int32) int {
	if asked == 0 {
		return DefaultSize
	}
	return int(asked)
}

// Seal makes the token for the page of a list that begins after an item; empty when after is. It is encrypted and bound to the list (its parent and
// filter), so nobody can build on what it holds or make one up.
func (p Pages) Seal(ctx context.Context, list, after string) (string, error) {
	if after == "" {
		return "", nil
	}
	box, err := p.box(ctx)
	if err != nil {
		return "", err
	}
	sealed := box.Seal(nil, nil, []byte(after), []byte(list)) //nolint:gosec // the box draws its nonce itself
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open is the inverse of Seal. A token that Seal did not make for this list is refused.
func (p Pages) Open(ctx context.Context, list, token string) (after string, err error) {
	if token == "" {
		return "", nil
	}
	box, err := p.box(ctx)
	if err != nil {
		return "", err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || base64.RawURLEncoding.EncodeToString(sealed) != token {
		return "", errToken()
	}
	opened, err := box.Open(nil, nil, sealed, []byte(list))
	if err != nil {
		return "", errToken()
	}
	return string(opened), nil
}

func errToken() error {
	return refuse("page_token", "is not a token of this list; begin again without one")
}

func (p Pages) box(ctx context.Context) (cipher.AEAD, error) {
	secret, err := p.Secrets.Secret(ctx, purpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("make page token cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
