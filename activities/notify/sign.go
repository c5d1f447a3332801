package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Headers of a signed webhook.
const (
	TimestampHeader = "Midwatch-Timestamp" // Unix seconds
	SignatureHeader = "Midwatch-Signature" // "v1=" and hex
	DeliveryHeader  = "Midwatch-Delivery"  // Message.ID
)

// Sign is the signature of a body sent at a time: HMAC-SHA-256 over the timestamp, a dot and the body. The timestamp is
// part of it, so that a receiver who refuses old ones cannot be told the same twice.
func Sign(key []byte, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}
