package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// etag returns the strong validator of a resource's representation (RFC 9110, section
// 8.8.3). Every change of a row sets its time, which never stands still; the
// shape of the answer is part of it, so that a new version's answer is another.
func etag(shape [sha256.Size]byte, v models.Version) string {
	sum := sha256.Sum256(append(shape[:], v.ID+" "+strconv.FormatInt(v.At.UnixMicro(), 10)...))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// shapeOf names the members of an answer.
func shapeOf(answer any) [sha256.Size]byte {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are the build's own types
	}
	return sha256.Sum256(text)
}

var (
	endpointShape     = shapeOf(endpointAnswer{})
	organizationShape = shapeOf(organizationAnswer{})
)

// ifMatch returns the condition that a request sets by If-Match, for a resource of
// that shape; nil is none. Weak tags match nothing (section 13.1.1).
func (c *call) ifMatch(shape [sha256.Size]byte) func(models.Version) bool {
	given := c.Get(fiber.HeaderIfMatch)
	if given == "" {
		return nil
	}
	return func(v models.Version) bool { return tagged(given, etag(shape, v), false) }
}

// answerTagged answers a resource with its ETag, or with 304 and no body where
// the client has it already.
func (c *call) answerTagged(status int, tag string, value any) error {
	c.Set(fiber.HeaderETag, tag)
	if status == fiber.StatusOK && c.Method() != fiber.MethodPatch && c.Method() != fiber.MethodPost &&
		tagged(c.Get(fiber.HeaderIfNoneMatch), tag, true) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	return c.answer(status, value)
}

// tagged reports whether a list of entity tags, or *, has the tag. An ETag of ours
// has no comma and no space.
func tagged(list, tag string, weakly bool) bool {
	for _, one := range strings.Split(list, ",") {
		one = strings.TrimSpace(one)
		if weakly {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}
