package edge

import "crypto/sha256"

// seenRequest is what a signature is made of, beside the secret.
type seenRequest struct {
	stamp string
	body  [sha256.Size]byte
}

func seen(stamp string, body []byte) seenRequest { return seenRequest{stamp, sha256.Sum256(body)} }
