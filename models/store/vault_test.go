package store_test

import (
	"bytes"
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"hookwell/models/database"
	"hookwell/models/store"
)

func masterKey(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func vault(t *testing.T, text string) *database.Vault {
	t.Helper()
	v, err := database.ParseVault(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	plain := []byte("whsec_plain")
	old := vault(t, "2025:"+masterKey(1))
	sealed := store.Seal(old, "ep_a", plain)
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, store.Seal(old, "ep_a", plain)) {
		t.Error("sealed twice alike, or not at all")
	}
	both := vault(t, "2026:"+masterKey(2)+", 2025:"+masterKey(1))
	if got, err := store.OpenSealed(both, "ep_a", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the key was changed: %q, %v", got, err)
	}
	if got, err := store.OpenSealed(vault(t, "2026:"+masterKey(2)), "ep_a", store.Seal(both, "ep_a", plain)); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the first key encrypts: %q, %v", got, err)
	}
	t.Run("opens for no other", func(t *testing.T) {
		if _, err := store.OpenSealed(old, "ep_b", sealed); err == nil {
			t.Error("opened for another owner")
		}
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := store.OpenSealed(old, "ep_a", changed); err == nil {
				t.Errorf("opened with byte %d changed", i)
			}
			if _, err := store.OpenSealed(old, "ep_a", sealed[:i]); err == nil {
				t.Errorf("opened with %d bytes", i)
			}
		}
	})
	t.Run("a wrong key names the variable and shows nothing", func(t *testing.T) {
		for _, text := range []string{"2025:" + masterKey(9), "other:" + masterKey(1), masterKey(1)} {
			_, err := store.OpenSealed(vault(t, text), "ep_a", sealed)
			if err == nil || !strings.Contains(err.Error(), "HOOKWELL_SECRET_KEY") {
				t.Errorf("%v", err)
			}
			showsNot(t, err, masterKey(9), masterKey(1), string(plain))
		}
	})
	t.Run("what is no key is refused and not shown", func(t *testing.T) {
		const short = "c2VjcmV0IG1hdGVyaWFs"
		for _, text := range []string{"", short, "a:" + short, "a:" + masterKey(1) + ",a:" + masterKey(2), ":" + masterKey(1), masterKey(1) + ",", "!" + masterKey(1),
			strings.Repeat("x", 33) + ":" + masterKey(1), masterKey(1) + ":x"} {
			_, err := database.ParseVault(text)
			if err == nil {
				t.Errorf("%q was taken", text)
				continue
			}
			showsNot(t, err, short, masterKey(1), masterKey(2))
		}
	})
}

func showsNot(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for form := range maps.Values(encodings(secret)) {
			if strings.Contains(err.Error(), form) {
				t.Errorf("the error shows %q", secret)
			}
		}
	}
}

func TestVaultKeys_are_read_in_either_alphabet(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xff, 0x01, 0x7e}, 8)
	sealed := store.Seal(vault(t, "1:"+base64.StdEncoding.EncodeToString(key)), "ep_a", []byte("plain"))
	for name, encode := range map[string]func([]byte) string{"URL-safe": base64.URLEncoding.EncodeToString, "unpadded": base64.RawStdEncoding.EncodeToString, "both": base64.RawURLEncoding.EncodeToString} {
		other, err := database.ParseVault("1:" + encode(key))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := store.OpenSealed(other, "ep_a", sealed); err != nil || string(got) != "plain" {
			t.Errorf("%s is another key: %v", name, err)
		}
	}
	for text, said := range map[string]string{
		base64.StdEncoding.EncodeToString(key)[:20] + "!" + base64.StdEncoding.EncodeToString(key)[21:]: "character 21 is none of base64",
		base64.RawStdEncoding.EncodeToString(key)[:41]:                                                  "these are 41",
		base64.RawStdEncoding.EncodeToString(key[:31]):                                                  "is 31",
		strings.Repeat("0f", 32):                                                                        "is 48",
	} {
		if _, err := database.ParseVault(text); err == nil || !strings.Contains(err.Error(), said) || strings.Contains(err.Error(), text[:6]) {
			t.Errorf("%s: %v, want %q", text, err, said)
		}
	}
}
