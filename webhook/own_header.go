package webhook

import (
	"fmt"
	"strings"
)

// CheckOwnHeader checks a header that somebody sets, as CheckHeader checks one
// that is sent. It also recognizes common paste errors in a value: the header's
// whole line, its scheme twice, or quotation marks. Nobody sees the value again,
// so the receiver's 401 would be the only hint.
func CheckOwnHeader(name, value string) error {
	if err := CheckHeader(name, value); err != nil {
		return err
	}
	bare := strings.Trim(value, "\"'`“”‘’")
	first, rest, _ := strings.Cut(bare, " ")
	second, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch {
	case len(bare) > len(name) && strings.EqualFold(bare[:len(name)], name) && bare[len(name)] == ':':
		return sentence(fmt.Sprintf("The value of %s begins with the header’s name. Enter what follows the colon.", name))
	case authScheme(first) && strings.EqualFold(first, second):
		return sentence(fmt.Sprintf("The value of %s says %s twice.", name, first))
	case authScheme(first) && bare != value:
		return sentence(fmt.Sprintf("The value of %s stands in quotation marks. Leave them out.", name))
	}
	return nil
}

// authScheme reports whether a word begins the credentials of a request.
func authScheme(word string) bool {
	switch strings.ToLower(word) {
	case "bearer", "basic", "token", "digest", "apikey":
		return true
	}
	return false
}
