package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
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
// that shape; nil is none. Weak tags, and what is no tag, match nothing (section
// 13.1.1). A header without a value is Malformed: its sender meant a condition.
func (c *call) ifMatch(shape [sha256.Size]byte) (func(models.Version) bool, error) {
	given, sent := c.tags(fiber.HeaderIfMatch)
	switch {
	case !sent:
		return nil, nil
	case strings.TrimSpace(given) == "":
		return nil, &models.Error{Kind: models.Malformed, Code: "malformed", Message: "If-Match is empty. Send the ETag that you read, or leave the header out."}
	}
	return func(v models.Version) bool { return tagged(given, etag(shape, v), false) }, nil
}

// tags returns the entity tags of a header, which may stand on several lines, and
// whether there is any.
func (c *call) tags(header string) (list string, sent bool) {
	lines := c.Request().Header.PeekAll(header)
	return string(bytes.Join(lines, []byte(","))), len(lines) > 0
}

// conditional returns the tenant for an edit under the request's If-Match, of a resource of
// that shape. It fails as ifMatch does.
func (c *call) conditional(tenant *store.Tenant, shape [sha256.Size]byte) (*store.Tenant, error) {
	holds, err := c.ifMatch(shape)
	return tenant.If(holds), err
}

// answerTagged answers a resource with its ETag, or with 304 and no body where
// the client has it already.
func (c *call) answerTagged(status int, tag string, value any) error {
	c.Set(fiber.HeaderETag, tag)
	if known, _ := c.tags(fiber.HeaderIfNoneMatch); status == fiber.StatusOK && c.Method() != fiber.MethodPatch && c.Method() != fiber.MethodPost &&
		tagged(known, tag, true) {
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
