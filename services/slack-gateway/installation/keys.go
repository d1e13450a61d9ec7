package installation

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// keySize is that of AES-256.
const keySize = 32

// Keys encrypt the tokens of installations. The secrets are read anew each time, so that they can be changed while the process runs.
type Keys struct {
	// Current encrypts; Former only decrypts, while the key is being changed.
	Current, Former secret.String
}

// Validate reports a key that is none; one that is still awaited in a file is no problem.
func (k Keys) Validate() error {
	for name, s := range map[string]secret.String{"SLACK_TOKEN_KEY": k.Current, "SLACK_TOKEN_KEY_BEFORE": k.Former} {
		if s.Reveal() == "" {
			continue
		}
		if _, err := keyOf(s); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
	}
	return nil
}

func keyOf(s secret.String) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(s.Reveal())
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("must be %d bytes in base64 (openssl rand -base64 %d)", keySize, keySize)
	}
	return key, nil
}

// id names a key without telling anything of it.
func id(key []byte) string {
	sum := sha256.Sum256(append([]byte("slacktalk token key "), key...))
	return hex.EncodeToString(sum[:6])
}

// seal encrypts tokens for the record under name.
func (k Keys) seal(name string, tokens *eventv1.InstallationTokens) (sealed []byte, by string, err error) {
	key, err := keyOf(k.Current)
	if err != nil {
		return nil, "", fmt.Errorf("the key for tokens %w", err)
	}
	plain, err := proto.Marshal(tokens)
	if err != nil {
		return nil, "", fmt.Errorf("encode tokens: %w", err)
	}
	box, err := boxOf(key)
	if err != nil {
		return nil, "", err
	}
	return box.Seal(nil, nil, plain, []byte(name)), id(key), nil //nolint:gosec // this cipher makes a random nonce itself and takes none
}

// errUnknownKey: the tokens were encrypted with a key that is not among the settings.
var errUnknownKey = errors.New("the tokens are encrypted with a key that the settings do not hold")

// open decrypts the tokens of the record under name; current says that they need not be encrypted anew.
func (k Keys) open(name string, sealed []byte, by string) (tokens *eventv1.InstallationTokens, current bool, err error) {
	for _, s := range []secret.String{k.Current, k.Former} {
		key, err := keyOf(s)
		if err != nil || id(key) != by {
			continue
		}
		box, err := boxOf(key)
		if err != nil {
			return nil, false, err
		}
		plain, err := box.Open(nil, nil, sealed, []byte(name))
		if err != nil {
			return nil, false, fmt.Errorf("decrypt the tokens of %s: %w", name, err)
		}
		tokens = &eventv1.InstallationTokens{}
		if err := proto.Unmarshal(plain, tokens); err != nil {
			return nil, false, fmt.Errorf("decode the tokens of %s: %w", name, err)
		}
		return tokens, s == k.Current, nil
	}
	return nil, false, errUnknownKey
}

func boxOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return box, nil
}

// Derived answers keys for another purpose, the current one first: whoever has the key for tokens has them.
func (k Keys) Derived(purpose string) (keys [][]byte, err error) {
	for _, s := range []secret.String{k.Current, k.Former} {
		key, err := keyOf(s)
		if err != nil {
			continue
		}
		derived, err := hkdf.Key(sha256.New, key, nil, purpose, keySize)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		keys = append(keys, derived)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return keys, nil
}
