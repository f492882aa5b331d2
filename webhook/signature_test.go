package webhook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The vectors were made with OpenSSL, apart from this code:
//
//	printf %s "$id.$t.$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:$key -binary | base64
//	printf %s "$t.$body" | openssl dgst -sha256 -hmac "$secret"
const (
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody   = `{"test": 2432232314}`
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorText   = "correct horse battery staple"
)

var vectorTime = time.Unix(1614265330, 999)

func parsed(t testing.TB, text string) Secret {
	t.Helper()
	secret, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestSecret_Sign(t *testing.T) {
	for text, want := range map[string]string{
		vectorSecret: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		vectorText:   "v1,VxbeDT0HjM9kDkIblWBl5Evw8xFY59bHtgKqUiDSHuo=",
	} {
		if got := parsed(t, text).Sign(vectorID, vectorTime, []byte(vectorBody)); got != want {
			t.Errorf("with %s: got %s, want %s", text, got, want)
		}
	}
	if got := (Secret{}).Sign(vectorID, vectorTime, nil); got != "" {
		t.Errorf("the zero secret signs %s", got)
	}
}

func TestSignatureFormat_Sign(t *testing.T) {
	cases := []struct {
		format       SignatureFormat
		secret, want string
	}{
		{"sha256=timestamp.body", vectorSecret, "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"},
		{"", vectorSecret, "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"},
		{"v1=timestamp.body", vectorSecret, "v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"},
		{"sha256=body", vectorSecret, "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"},
		{"body", vectorSecret, "80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"},
		{"sha256=timestamp.body", vectorText, "sha256=6ed5969e5f570b7409a666d08e48b7b07ebb84774496384731ba7ba62b941f86"},
	}
	for _, test := range cases {
		t.Run(string(test.format)+" "+test.secret[:5], func(t *testing.T) {
			if got := test.format.Sign(parsed(t, test.secret), vectorTime, []byte(vectorBody)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSignatureFormats(t *testing.T) {
	var patterns []string
	for _, format := range SignatureFormats() {
		if got, err := ParseSignatureFormat(string(format)); err != nil || got != format {
			t.Errorf("%s is read as %s, %v", format, got, err)
		}
		patterns = append(patterns, format.Pattern())
	}
	want := []string{"sha256=<hex of timestamp.body>", "v1=<hex of timestamp.body>", "sha256=<hex of body>", "<hex of body>"}
	if diff := cmp.Diff(want, patterns); diff != "" {
		t.Error(diff)
	}
	if got, err := ParseSignatureFormat(""); err != nil || got != FormatSHA256TimestampBody {
		t.Errorf("nothing is read as %s, %v", got, err)
	}
	if _, err := ParseSignatureFormat("md5=body"); err == nil {
		t.Error("an unknown format is accepted")
	}
}

func BenchmarkSign(b *testing.B) {
	secret, body := parsed(b, vectorSecret), make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		secret.Sign(vectorID, vectorTime, body)
		FormatSHA256TimestampBody.Sign(secret, vectorTime, body)
	}
}
