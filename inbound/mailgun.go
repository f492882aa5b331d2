package inbound

import (
	"crypto/hmac"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// mailgun signs a time and a token, both in the body, and nothing else of the
// body. Who has one webhook could send its signature with another body, so the
// state is authenticated and a token counts once.
type mailgun struct{}

var (
	mailgunToken  = regexp.MustCompile(`^[A-Za-z0-9]{16,100}$`)
	mailgunFinder = func() *finder {
		f := &finder{}
		for _, within := range []string{"signature", "parent-signature"} {
			for _, name := range []string{"timestamp", "token", "signature"} {
				f.add(path{{within, -1}, {name, -1}})
			}
		}
		return f
	}()
)

// mailgunSignature is one signature in a body.
type mailgunSignature struct {
	timestamp, token string
	at               time.Time
	mac              []byte
}

// signatures returns the account's own signature and the one of its parent
// account. Either may be missing; ok is false if one can't be read.
func (mailgun) signatures(request *Request) (list []mailgunSignature, ok bool) {
	values, err := mailgunFinder.find(request.Body)
	if err != nil {
		return nil, false
	}
	for i := 0; i < len(values); i += 3 {
		if values[i] == nil && values[i+1] == nil && values[i+2] == nil {
			continue
		}
		timestamp, _ := scalarText(values[i])
		token, _ := scalarText(values[i+1])
		text, _ := scalarText(values[i+2])
		at, canonical := parseTimestamp(timestamp, "s")
		mac, err := hex.DecodeString(text)
		if !canonical || !mailgunToken.MatchString(token) || err != nil || len(mac) != 32 {
			return nil, false
		}
		list = append(list, mailgunSignature{timestamp, token, at, mac})
	}
	return list, true
}

func (m mailgun) verify(v *Verifier, request *Request, secrets []Secret) Verification {
	list, ok := m.signatures(request)
	if !ok {
		return v.refuse(CauseSignatureMalformed)
	}
	if len(list) == 0 {
		return v.refuse(CauseSignatureMissing)
	}
	for _, signature := range list {
		for i := range secrets {
			material := secrets[i].material()
			if material == nil || material.macs.New == nil {
				continue
			}
			if hmac.Equal(signature.mac, material.sum(signature.timestamp, signature.token)) {
				return v.judgeAge(Verification{State: Authenticated, Secret: i, SignedAt: signature.at, Method: v.method}, request.ReceivedAt)
			}
		}
	}
	return v.refuse(CauseSignature)
}

// keys returns a key of each token, so that a signature is used once.
func (m mailgun) keys(request *Request) []Key {
	list, _ := m.signatures(request)
	var keys []Key
	for _, signature := range list {
		keys = append(keys, newKey("token", signature.token))
	}
	return keys
}

// Placeholders of a shipped sample, beside those of every sample.
const (
	mailgunSampleToken     = "{{token}}"
	mailgunSampleSignature = "{{signature}}"
)

func (mailgun) sign(request *Request, secret Secret, at time.Time) {
	token := randomHex(25)
	signature := hex.EncodeToString(secret.material().sum(strconv.FormatInt(at.Unix(), 10), token))
	request.Body = []byte(strings.NewReplacer(mailgunSampleToken, token, mailgunSampleSignature, signature).Replace(string(request.Body)))
}
