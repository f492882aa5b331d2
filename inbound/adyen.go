package inbound

import (
	"crypto/subtle"
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// adyen signs eight fields of each item of a payment webhook, in the item itself.
// The rest of the body isn't proven, so the state is authenticated.
type adyen struct{}

// adyenBody is as much of the body as is signed.
type adyenBody struct {
	Items []struct {
		Item adyenItem `json:"NotificationRequestItem"`
	} `json:"notificationItems"`
}

type adyenItem struct {
	PSPReference        string         `json:"pspReference"`
	OriginalReference   string         `json:"originalReference"`
	MerchantAccountCode string         `json:"merchantAccountCode"`
	MerchantReference   string         `json:"merchantReference"`
	Amount              adyenAmount    `json:"amount"`
	EventCode           string         `json:"eventCode"`
	Success             jsontext.Value `json:"success"`
	AdditionalData      struct {
		HMACSignature string `json:"hmacSignature"`
	} `json:"additionalData"`
}

type adyenAmount struct {
	Value    jsontext.Value `json:"value"`
	Currency string         `json:"currency"`
}

var (
	adyenEvent    = regexp.MustCompile(`^[A-Z0-9_]{1,64}$`)
	adyenCurrency = regexp.MustCompile(`^([A-Z]{3})?$`)
	adyenValue    = regexp.MustCompile(`^(-?[0-9]{1,18})?$`)
	adyenSuccess  = regexp.MustCompile(`^(true|false)$`)
)

func (adyen) verify(v *Verifier, request *Request, secrets []Secret) Verification {
	var body adyenBody
	if err := jsonx.Unmarshal(request.Body, &body); err != nil || len(body.Items) == 0 || len(body.Items) > MaxItems {
		return v.refuse(CauseSignatureMalformed)
	}
	matched := -1
	for i := range body.Items {
		item := &body.Items[i].Item
		if item.AdditionalData.HMACSignature == "" {
			return v.refuse(CauseSignatureMissing)
		}
		got, err := base64.StdEncoding.Strict().DecodeString(item.AdditionalData.HMACSignature)
		text, ok := item.signed()
		if err != nil || len(got) != 32 || !ok {
			return v.refuse(CauseSignatureMalformed)
		}
		if matched = matchOne(got, text, secrets); matched < 0 {
			return v.refuse(CauseSignature) // one forged item refuses all of them
		}
	}
	return Verification{State: Authenticated, Secret: matched, Method: v.method}
}

// matchOne returns the index of the secret whose MAC of a text got is, or -1.
func matchOne(got []byte, text string, secrets []Secret) int {
	for i := range secrets {
		material := secrets[i].material()
		if material != nil && material.macs.New != nil && subtle.ConstantTimeCompare(got, material.sum(text)) == 1 {
			return i
		}
	}
	return -1
}

// signed returns the text that Adyen signs. It reports false if a field has a
// form that would let text move from one field to another: only the merchant's
// own reference may have a colon.
func (i *adyenItem) signed() (string, bool) {
	value, isScalar := scalarText(i.Amount.Value)
	success, _ := scalarText(i.Success)
	ok := (isScalar || i.Amount.Value == nil) && adyenEvent.MatchString(i.EventCode) && adyenCurrency.MatchString(i.Amount.Currency) && adyenValue.MatchString(value) &&
		adyenSuccess.MatchString(success) && !strings.Contains(i.PSPReference+i.OriginalReference+i.MerchantAccountCode, ":")
	return strings.Join([]string{i.PSPReference, i.OriginalReference, i.MerchantAccountCode, i.MerchantReference, value, i.Amount.Currency, i.EventCode, success}, ":"), ok
}

func (adyen) keys(*Request) []Key { return nil }

// adyenUnsigned is what a shipped sample has in place of its signature.
const adyenUnsigned = "{{signature}}"

func (adyen) sign(request *Request, secret Secret, _ time.Time) {
	var body adyenBody
	if jsonx.Unmarshal(request.Body, &body) != nil || len(body.Items) != 1 {
		return
	}
	text, _ := body.Items[0].Item.signed()
	signature := base64.StdEncoding.EncodeToString(secret.material().sum(text))
	request.Body = []byte(strings.Replace(string(request.Body), adyenUnsigned, signature, 1))
}
